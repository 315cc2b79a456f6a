"""What a way takes of the server: processor time, memory, WAL, buffers."""

import threading
import time
from pathlib import Path

# How often the memory is looked at. A peak that lasts for less may be missed.
INTERVAL = 0.01
TICKS = 100  # of /proc/<pid>/stat a second (USER_HZ)


def status(pid: int, name: str) -> int:
    """A size from /proc/<pid>/status in bytes, or a count from there; 0 when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                words = line.split()
                return int(words[1]) << 10 if words[-1] == "kB" else int(words[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()))
    except (FileNotFoundError, ProcessLookupError):
        return set()


def cpu_seconds(pid: int) -> float:
    """The time that a process has been running on a processor, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def ended_children_cpu_seconds(pid: int) -> float:
    """That of the processes it has started and that have ended (cutime, cstime in man 5 proc)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS


class MemoryWatch:
    """Watches what server processes that begin after it take together, above what an idle one takes.

    As a context; `peak` is the most that was seen, in bytes: RssAnon, which leaves out shared buffers.
    """

    def __init__(self, postmaster: int, idle: int):
        self.postmaster = postmaster
        self.idle = idle
        self.others = children(postmaster)
        self.peak = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.over.is_set():
            mine = children(self.postmaster) - self.others
            taken = sum(max(status(pid, "RssAnon") - self.idle, 0) for pid in mine)
            self.peak = max(self.peak, taken)
            time.sleep(INTERVAL)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Counters:
    """WAL and buffers of the whole server since some moment; nobody else works in it."""

    def __init__(self, session):
        self.session = session
        session.execute("SELECT pg_stat_statements_reset()")
        self.start = self.position()

    def position(self) -> str:
        return self.session.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]

    def wal_bytes(self) -> int:
        query = "SELECT (pg_current_wal_insert_lsn() - %s::pg_lsn)::bigint"
        return self.session.execute(query, (self.start,)).fetchone()[0]

    def dirtied(self) -> int:
        """Buffers that sessions made dirty; the worker's are not among them, it counts its own."""
        query = "SELECT coalesce(sum(shared_blks_dirtied), 0)::bigint FROM pg_stat_statements"
        return self.session.execute(query).fetchone()[0]
