"""The steady state: a thousand rows have expired since the last clean-up, of a table of a million, of ten million."""

from functools import partial

from ..table import TABLE, Table, warm
from ..ways import WORK
from .scenario import Scenario

EXPIRED = 1_000
WAYS = ("django_signals", "django", "delete", "skip_locked", "function", "procedure", "worker_unlimited")
NO_INDEX = ("delete", "skip_locked", "function", "procedure", "worker_unlimited")

# Rows that are spread over the table make room, and the next ones that expire take it: as on a site that is vacuumed.
SCATTER = f"""
DELETE FROM {TABLE} WHERE session_key IN (
    SELECT md5('key' || (number * {{rows}}::bigint / {EXPIRED})) FROM generate_series(0, {EXPIRED} - 1) AS number)
"""
EXPIRE = f"""
INSERT INTO {TABLE} (session_key, session_data, expire_date)
SELECT md5('expired' || clock_timestamp() || number), repeat('x', 231), now() - number * interval '1 second'
FROM generate_series(1, {EXPIRED}) AS number
"""


def measure(keys, table: Table, bench) -> dict:
    """All in one table, vacuumed after each clean-up."""
    bench.use_up(table)
    measurements = []
    with bench.server.connect(WORK) as session:
        session.execute(SCATTER.format(rows=table.rows))
        warm(session)
        for number, way in bench.rounds(keys):
            session.execute(f"VACUUM (INDEX_CLEANUP on) {TABLE}")
            session.execute(EXPIRE)
            session.execute("CHECKPOINT")
            measurements.append(bench.measure(way, number))
    return {"rows": table.rows, "expired_rows": EXPIRED, "measurements": measurements}


def scenarios(options) -> list[Scenario]:
    found = []
    for rows in options.steady:
        table = Table(rows, 0)
        found.append(Scenario(f"steady_{rows}", f"1,000 of {rows:,}", (table,), partial(measure, WAYS, table)))
    rows = options.steady[0]
    table = Table(rows, 0, index=False)
    title = f"1,000 of {rows:,}, no index on the column"
    found.append(Scenario("steady_no_index", title, (table,), partial(measure, NO_INDEX, table)))
    return found
