"""How far a standby is behind when the clean-up is over, and at most meanwhile. It streams, on the same machine."""

import shutil
import threading
import time
from functools import partial

from ..server import PORT, Server, site_settings, wait_until
from ..table import Table
from .scenario import Scenario

WAYS = ("delete", "skip_locked", "delete_vacuum_full", "function", "procedure", "worker", "worker_unlimited", "rewrite")
INTERVAL = 0.05


def begin_standby(bench) -> Server:
    folder = bench.server.socket / "standby"
    shutil.rmtree(folder, ignore_errors=True)
    # Made by the server's user, whose folder it is to be.
    bench.server.run("pg_basebackup", "-h", str(bench.server.socket), "-p", str(PORT), "-U", "postgres", "-D",
                     str(folder / "data"), "-R", "--checkpoint=fast")
    standby = Server(bench.server.bindir, folder, site_settings() | bench.server.settings)
    standby.start()
    return standby


class LagWatch:
    """The most bytes of WAL that the standby was behind, and how long it took it to replay the last of them."""

    def __init__(self, bench):
        self.session = bench.server.connect()
        self.most = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def behind(self) -> int:
        query = "SELECT pg_current_wal_insert_lsn() - replay_lsn FROM pg_stat_replication"
        return int(self.session.execute(query).fetchone()[0] or 0)

    def watch(self):
        while not self.over.is_set():
            self.most = max(self.most, self.behind())
            time.sleep(INTERVAL)

    def __enter__(self):
        wait_until("the standby has replayed everything", lambda: self.behind() == 0)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.session.close()


def measure(table: Table, bench) -> dict:
    bench.drop_templates(keep=[table])
    bench.template(table)
    standby = begin_standby(bench)
    measurements = []
    try:
        for number, way in bench.rounds(WAYS):
            bench.restore(table)
            with LagWatch(bench) as lag:
                bench.after = lambda: catch_up(bench)
                result = bench.measure(way, number)
            measurements.append(result | {"lag_bytes": lag.most})
    finally:
        bench.after = None
        standby.stop()
        shutil.rmtree(standby.socket)
    return {"rows": table.rows, "expired": table.expired, "measurements": measurements}


def catch_up(bench) -> dict:
    """Called at the end of the clean-up: the seconds until the standby has replayed it."""
    start = time.perf_counter()
    with bench.server.connect() as session:
        end = session.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
        query = "SELECT replay_lsn >= %s::pg_lsn FROM pg_stat_replication"
        wait_until("the standby has replayed the clean-up", lambda: session.execute(query, (end,)).fetchone()[0],
                   seconds=600, interval=0.005)
    return {"lag_seconds": time.perf_counter() - start}


def scenario(options) -> Scenario:
    table = Table(options.rows)
    return Scenario("replica", "90 % expired, a standby that streams", (table,), partial(measure, table))
