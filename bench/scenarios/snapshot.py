"""An old snapshot is held open while the table is cleared: a long report, a forgotten session, pg_dump. What was
deleted must stay then, for a reader that may still come, and so must its index entries."""

from functools import partial

from ..table import Table
from ..ways import WORK
from .scenario import Scenario

WAYS = ("django", "delete", "skip_locked", "delete_vacuum", "function", "procedure", "worker_unlimited", "rewrite")


def measure(table: Table, bench) -> dict:
    measurements = []
    for number, way in bench.rounds(WAYS):
        bench.restore(table)
        with bench.server.connect(WORK) as reader:
            # Reads something else than the table: whoever has read it holds a lock that a rewrite waits for.
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM pg_class")
            measurements.append(bench.measure(way, number))
            reader.execute("ROLLBACK")
    return {"rows": table.rows, "expired": table.expired, "measurements": measurements}


def scenario(options) -> Scenario:
    table = Table(options.rows)
    return Scenario("snapshot", "90 % expired, an old snapshot is held open", (table,), partial(measure, table))
