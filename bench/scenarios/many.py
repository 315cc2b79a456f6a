"""What many tables cost of which none has anything expired: hundreds and thousands of policies in one database, a tenant
schema each with the same table in it, a history of a week. Processor time and WAL, which others on the machine do not
change much; seconds of the clock only for whole rounds."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .. import probe
from ..options import ROOT
from ..server import wait_until
from .scenario import Scenario

DATABASE = "many"
ROWS = 100  # live rows of each table
WEEK = 7 * 24 * 4  # runs of a table in a week
LOOKS = 5  # at the view and the exporter's queries
STARTS = 10

# Each as Django makes it, in a schema of its own.
FILL = f"""
DO $$
BEGIN
    FOR number IN 1..%s LOOP
        EXECUTE format('CREATE SCHEMA tenant_%%1$s', number);
        EXECUTE format('CREATE TABLE tenant_%%1$s.django_session (session_key varchar(40) PRIMARY KEY,
            session_data text NOT NULL, expire_date timestamptz NOT NULL)', number);
        EXECUTE format('CREATE INDEX ON tenant_%%1$s.django_session (session_key varchar_pattern_ops)', number);
        EXECUTE format('CREATE INDEX ON tenant_%%1$s.django_session (expire_date)', number);
        EXECUTE format('INSERT INTO tenant_%%1$s.django_session SELECT md5(i::text), repeat(''x'', 231),
            now() + interval ''10 days'' + i * interval ''1 minute'' FROM generate_series(1, {ROWS}) AS i', number);
        IF number %% 50 = 0 THEN COMMIT; END IF;
    END LOOP;
END
$$
"""
SCHEDULE = "SELECT raw_clear_sessions_schedule(c.oid) FROM pg_class AS c WHERE c.relname = 'django_session'"
# Each run has deleted something, and so has a row; one in a hundred has failed.
HISTORY = f"""
INSERT INTO raw_clear_sessions.history ("table", started, ended, stop, deleted, skipped, batches, error, sqlstate, pid, details)
SELECT c.oid, s.started, s.started + interval '1 second', CASE WHEN failed THEN 'failed' ELSE 'done' END, 100, 0, 1,
    CASE WHEN failed THEN 'canceling statement due to lock timeout' END, CASE WHEN failed THEN '55P03' END, 1,
    '{{"policy": {{}}, "elapsed_ms": 3, "wal_bytes": 12345, "buffers_hit": 100, "buffers_read": 0, "buffers_dirtied": 10, "expired_left": 0}}'
FROM generate_series(0, {WEEK} - 1) AS n,
    LATERAL (SELECT now() - n * interval '15 minutes' AS started, n % 100 = 99 AS failed) AS s,
    pg_class AS c WHERE c.relname = 'django_session'
ORDER BY s.started
"""


@dataclass(frozen=True)
class Site:
    key: str
    tables: int
    policies: bool  # or the setting `tables`
    history: bool
    interval: int  # the schedule, in seconds: more than a round takes
    rounds: int


SITES = (Site("policies_200", 200, True, True, 5, 5),
         Site("policies_3000", 3_000, True, False, 30, 3),
         Site("tenants_1000", 1_000, False, False, 15, 3))


def exporter_queries() -> list[str]:
    """As the exporter for Prometheus sends them."""
    text = (ROOT / "monitoring" / "queries.yml").read_text(encoding="utf-8")
    return re.findall(r"^  query: \|\n((?:    .*\n)+)", text, re.MULTILINE)


def fill(bench, site: Site):
    with bench.server.connect() as session:
        session.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {DATABASE}")
    with bench.server.connect(DATABASE) as session:
        session.execute("CREATE EXTENSION raw_clear_sessions")
        session.execute(FILL % site.tables)
        if site.policies:
            session.execute(SCHEDULE)
        if site.history:
            session.execute(HISTORY)
        session.execute("VACUUM ANALYZE")
        session.execute("CHECKPOINT")


def command(pid: int) -> str:
    """What a process calls itself; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Worker:
    """What the worker has used and done so far, all of its processes together."""

    def __init__(self, bench, session):
        self.bench, self.session = bench, session
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'raw_clear_sessions launcher'"
        self.launcher = session.execute(query).fetchone()[0]

    def is_at_rest(self) -> bool:
        """Whether every process of the worker has ended, and the postmaster has taken in what it used: until then it is there
        without a command."""
        return all(command(pid) and "raw_clear_sessions worker" not in command(pid)
                   for pid in probe.children(self.bench.server.process.pid))

    def runs(self) -> int:
        return self.session.execute("SELECT coalesce(sum(runs), 0)::bigint FROM raw_clear_sessions.state").fetchone()[0]

    def used(self) -> dict:
        wait_until("the worker is at rest", self.is_at_rest, interval=0.05)
        cpu = probe.ended_children_cpu_seconds(self.bench.server.process.pid) + probe.cpu_seconds(self.launcher)
        wal = self.session.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()[0]
        return {"runs": self.runs(), "cpu": cpu, "wal": wal}

    def wait_for_runs(self, number: int):
        number += self.runs()
        wait_until(f"the worker has run {number} times", lambda: self.runs() >= number, seconds=1_200, interval=0.1)

    def watch(self, runs: int) -> dict:
        """What so many runs use."""
        before = self.used()
        with probe.MemoryWatch(self.bench.server.process.pid, 0) as memory:
            self.wait_for_runs(runs)
            after = self.used()
        number = after["runs"] - before["runs"]
        return {"runs": number, "cpu_seconds": (after["cpu"] - before["cpu"]) / number,
                "wal_bytes": (after["wal"] - before["wal"]) / number, "memory_bytes": memory.peak}

    def watch_rounds(self, site: Site) -> dict:
        """What a run takes where all tables have the same schedule, and how long a round takes that begins at once."""
        start = time.monotonic()
        self.bench.server.set(raw_clear_sessions__schedule=f"{site.interval} s")
        self.wait_for_runs(site.tables)
        seconds = time.monotonic() - start
        found = self.watch(site.rounds * site.tables)
        self.bench.server.set(raw_clear_sessions__schedule="1 day")
        return {"round_seconds": seconds, **found}

    def watch_starts(self) -> dict:
        """The same where one table is due each second, and the others on another day: each run is a start of the worker."""
        call = "SELECT raw_clear_sessions_schedule('tenant_1.django_session', schedule => %s)"
        self.session.execute(call, ("1 s",))
        self.wait_for_runs(2)
        found = self.watch(STARTS)
        self.session.execute(call, ("1 day",))
        return {f"start_{name}": value for name, value in found.items()}


def cpu_of(session, queries: list[str]) -> float:
    """The processor time of a session for some queries: the median of some times, after one that is not counted."""
    pid, found = session.info.backend_pid, []
    for _ in range(LOOKS + 1):
        before = probe.cpu_seconds(pid)
        for query in queries:
            session.execute(query).fetchall()
        found.append(probe.cpu_seconds(pid) - before)
    return median(found[1:])


def look(bench) -> dict:
    with bench.server.connect(DATABASE) as session:
        session.execute("SET ROLE pg_monitor")
        return {"status_cpu_seconds": cpu_of(session, ["SELECT * FROM raw_clear_sessions.status"]),
                "scrape_cpu_seconds": cpu_of(session, exporter_queries())}


def measure_site(bench, site: Site) -> dict:
    fill(bench, site)
    tables = "" if site.policies else "django_session"
    bench.server.set(raw_clear_sessions__tables=tables, raw_clear_sessions__schedule="1 day",
                     raw_clear_sessions__databases=DATABASE)
    with bench.server.connect(DATABASE) as session:
        worker = Worker(bench, session)
        result = {"key": site.key, "tables": site.tables, **worker.watch_rounds(site)}
        if site.policies:
            result |= worker.watch_starts()
    return result | look(bench)


def measure(bench) -> dict:
    try:
        sites = [measure_site(bench, site) for site in SITES]
    finally:
        bench.server.set(raw_clear_sessions__databases="", raw_clear_sessions__tables="",
                         raw_clear_sessions__schedule="15 min")
        with bench.server.connect() as session:
            session.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    return {"sites": sites, "measurements": []}


def scenario(_options) -> Scenario:
    return Scenario("many", "many tables, nothing to do", (), measure)
