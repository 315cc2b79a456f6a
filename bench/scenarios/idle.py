"""What the worker costs where there is nothing to do: its launcher between two starts, a start that finds nothing."""

import time
from functools import partial

from .. import probe
from ..server import wait_until
from ..table import TABLE, Table
from ..ways import WORK
from .scenario import Scenario

SECONDS = 20.0
STARTS = 10


def launchers(session) -> dict[str, int]:
    query = """
        SELECT backend_type, pid FROM pg_stat_activity
        WHERE backend_type IN ('pg_cron launcher', 'raw_clear_sessions launcher', 'walwriter', 'checkpointer')"""
    return dict(session.execute(query).fetchall())


def watch_launchers(session) -> list[dict]:
    """What each takes in a while, beside processes of the server that are idle too."""
    pids = launchers(session)
    before = {name: (probe.cpu_seconds(pid), wake_ups(pid)) for name, pid in pids.items()}
    time.sleep(SECONDS)
    found = []
    for name, pid in pids.items():
        cpu, wakes = before[name]
        found.append({"process": name, "cpu_seconds_per_hour": (probe.cpu_seconds(pid) - cpu) / SECONDS * 3600,
                      "wake_ups_per_minute": (wake_ups(pid) - wakes) / SECONDS * 60,
                      "memory_bytes": probe.status(pid, "RssAnon")})
    return found


def wake_ups(pid: int) -> int:
    return probe.status(pid, "voluntary_ctxt_switches")


def runs(session) -> int:
    return session.execute("SELECT coalesce(sum(runs), 0)::bigint FROM raw_clear_sessions.status").fetchone()[0]


def watch_starts(bench, session) -> dict:
    """A worker each second, for some times. Nothing else ends in this server meanwhile."""
    bench.server.set(raw_clear_sessions__schedule="1 s")
    first = runs(session)
    wait_until("the worker starts each second", lambda: runs(session) > first, interval=0.2)
    first, before = runs(session), probe.ended_children_cpu_seconds(bench.server.process.pid)
    wait_until("it has started often", lambda: runs(session) >= first + STARTS, interval=0.2)
    number, after = runs(session) - first, probe.ended_children_cpu_seconds(bench.server.process.pid)
    return {"starts": number, "cpu_seconds_per_start": (after - before) / number}


def measure(table: Table, bench) -> dict:
    bench.restore(table)
    bench.server.set(raw_clear_sessions__tables=TABLE, raw_clear_sessions__schedule="15 min",
                     raw_clear_sessions__databases=WORK)
    try:
        with bench.server.connect(WORK) as session:
            wait_until("the worker's first run", lambda: runs(session))
            processes = watch_launchers(session)
            starts = watch_starts(bench, session)
    finally:
        bench.server.set(raw_clear_sessions__databases="", raw_clear_sessions__schedule="15 min")
    return {"rows": table.rows, "processes": processes, **starts, "measurements": []}


def scenario(options) -> Scenario:
    table = Table(options.rows, 0)
    return Scenario("idle", "nothing to do", (table,), partial(measure, table))
