"""What a site feels: sessions are renewed at a fixed rate by pgbench while the table is cleared beside them."""

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

from .. import figures, text
from ..measurement import say
from ..server import wait_until
from ..table import TABLE, Table
from ..ways import WORK
from .scenario import Scenario

RATE = 400
CLIENTS = 8
# Seconds that the site is watched with nothing beside it, and before something begins.
IDLE = 10.0
BEFORE = 1.0
WAYS = ("django_signals", "delete", "skip_locked", "delete_vacuum_full", "delete_repack", "function", "procedure",
        "worker", "worker_unlimited", "rewrite")

# A live session is renewed. Only some are known to be live by their number: every one whose place is beyond `expired`.
RENEW = f"""
\\set number random(0, {{live}} - 1)
UPDATE {TABLE} SET expire_date = now() + interval '14 days'
WHERE session_key = (SELECT session_key FROM live WHERE number = :number);
"""
LIVE = f"""
CREATE TABLE live AS
SELECT row_number() OVER () - 1 AS number, session_key FROM {TABLE} WHERE expire_date > now();
ALTER TABLE live ADD PRIMARY KEY (number);
VACUUM (ANALYZE) live
"""


class Foreground:
    """pgbench renewing sessions. Its log has a line for each renewal, at its end."""

    def __init__(self, bench, live: int):
        self.folder = bench.server.socket / "pgbench"
        self.folder.mkdir(exist_ok=True)
        for file in self.folder.iterdir():
            file.unlink()
        script = self.folder / "renew.sql"
        script.write_text(RENEW.format(live=live), encoding="utf-8")
        command = [str(bench.server.bindir / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--rate={RATE}",
                   f"--client={CLIENTS}", "--time=100000", "--log", f"--log-prefix={self.folder}/log",
                   f"--file={script}", WORK]
        self.output = open(self.folder / "output", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, env=bench.server.environment(), stdout=self.output, stderr=self.output)
        query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND query LIKE '%{TABLE}%'"
        wait_until("pgbench works", lambda: bench.server.value(query) >= CLIENTS, seconds=30)

    def stop(self) -> list[tuple[float, float]]:
        """Ends it as its own timer would (SIGALRM), so that the log is complete: (when due, how many ms it took)."""
        os.kill(self.process.pid, signal.SIGALRM)
        status = self.process.wait(timeout=60)
        self.output.close()
        if status:
            raise RuntimeError(f"pgbench failed: {Path(self.output.name).read_text(encoding='utf-8')[-2000:]}")
        found = []
        for file in self.folder.glob("log.*"):
            for line in file.read_text(encoding="ascii").splitlines():
                # client_id transaction_no time script_no time_epoch time_us schedule_lag
                word = line.split()
                # The time counts from when the transaction was due, so it has what it waited for a free client.
                took, end = int(word[2]) / 1e6, int(word[4]) + int(word[5]) / 1e6
                found.append((end - took, took * 1e3))
        return found


def within(renewals, start: float, end: float) -> dict:
    """The latencies of the renewals that overlap a span of time."""
    return figures.latencies([took for due, took in renewals if due < end and due + took / 1e3 > start])


def prepare(bench, table: Table) -> int:
    bench.restore(table)
    with bench.server.connect(WORK) as session:
        for statement in LIVE.split(";"):
            session.execute(statement)
        session.execute("CHECKPOINT")
        return session.execute("SELECT count(*) FROM live").fetchone()[0]


def idle(bench, table: Table, number: int) -> dict:
    foreground = Foreground(bench, prepare(bench, table))
    try:
        start = time.time() + BEFORE
        time.sleep(BEFORE + IDLE)
    finally:
        renewals = foreground.stop()
    return {"way": "idle", "round": number, "seconds": IDLE, **within(renewals, start, start + IDLE)}


def beside(bench, table: Table, way, number: int) -> dict:
    foreground = Foreground(bench, prepare(bench, table))
    try:
        time.sleep(BEFORE)
        result = bench.measure(way, number, lasts=True)
    finally:
        renewals = foreground.stop()
    if result["seconds"] is None:
        return result
    return result | within(renewals, result["started"], result["started"] + result["seconds"])


def tell(result: dict):
    if result["seconds"] is not None:
        figures_of = ", ".join(f"{name} {text.milliseconds(result[name])}" for name in ("p50", "p99", "max"))
        say(f"        renewals beside {result['way']}: {figures_of}")


def measure(table: Table, bench) -> dict:
    """The idle site before each way and after it: what the machine itself does meanwhile is in both."""
    measurements = []

    def alone(number: int) -> dict:
        found = idle(bench, table, number)
        tell(found)
        measurements.append(found)
        return found

    before = None
    for number, way in bench.rounds(WAYS):
        before = before or alone(number)
        found = beside(bench, table, way, number)
        tell(found)
        measurements.append(found)
        after = alone(number)
        found["p99_idle"] = (before["p99"] + after["p99"]) / 2
        before = after
    return {"rows": table.rows, "expired": table.expired, "rate": RATE, "clients": CLIENTS,
            "measurements": measurements}


def scenario(options) -> Scenario:
    table = Table(options.rows)
    return Scenario("latency", "renewals beside the clean-up", (table,), partial(measure, table))
