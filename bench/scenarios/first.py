"""The first clean-up of a table that nobody has ever cleaned, in its variations."""

from functools import partial

from .. import ways
from ..table import Table
from .scenario import Scenario

EVERY = tuple(way.key for way in ways.ALL)
# Where another variation has all: those with which it varies.
SOME = ("delete", "skip_locked", "ranges", "delete_vacuum_full", "copy_rename", "function", "procedure",
        "worker_unlimited", "rewrite")


def measure(keys, table: Table, full_page_writes: bool, bench) -> dict:
    """`full_page_writes`: whether a page's first change is one since the last checkpoint, and goes to WAL as the whole
    page. Off stands for a table whose pages all have been changed since."""
    bench.server.set(full_page_writes="on" if full_page_writes else "off")
    measurements = []
    try:
        for number, way in bench.rounds(keys):
            bench.restore(table)
            measurements.append(bench.measure(way, number))
    finally:
        bench.server.set(full_page_writes="on")
    return {"rows": table.rows, "expired": table.expired, "measurements": measurements}


def scenarios(options) -> list[Scenario]:
    """90 % after a checkpoint is the one that every way is in."""
    rows = options.rows
    plain = Table(rows)
    # pg_cron begins at full minutes, which a quick run does not wait for.
    every = tuple(key for key in EVERY if not (options.quick and key == "pg_cron"))

    def scenario(key, title, table, keys=SOME, full_page_writes=True):
        return Scenario(key, title, (table,), partial(measure, keys, table, full_page_writes))

    return [
        scenario("first_90", "90 % expired, right after a checkpoint", plain, every),
        scenario("first_90_later", "90 % expired, long after a checkpoint", plain, full_page_writes=False),
        scenario("first_90_ordered", "90 % expired, the oldest rows first in the table", Table(rows, layout="ordered")),
        scenario("first_90_no_index", "90 % expired, no index on the column", Table(rows, index=False)),
        scenario("first_90_wide", "90 % expired, a twentieth of the rows, 8 kB in each", Table(rows // 20, wide=True)),
        scenario("first_50", "50 % expired, right after a checkpoint", Table(rows, 0.5)),
        scenario("first_99", "99 % expired, right after a checkpoint", Table(rows, 0.99)),
    ]
