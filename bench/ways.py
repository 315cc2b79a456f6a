"""The ways to clear a session table: the peers', and the extension's.

A way is prepared (connected, configured), then goes, then is closed; only the going is measured. It returns a Run.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from .commands import (COPY_RENAME, COPY_TRUNCATE, DELETE, FUNCTION, PROCEDURE, RANGES, REWRITE, SKIP_LOCKED,
                       UNLIMITED)
from .labels import LABELS, TABLE
from .options import ROOT
from .probe import status
from .server import wait_until

WORK = "work"  # the database that is worked in
RUN = """
SELECT extract(epoch FROM ended - started)::float8, extract(epoch FROM started)::float8,
    (details ->> 'buffers_dirtied')::bigint, stop
FROM raw_clear_sessions.run WHERE ended IS NOT NULL
"""


@dataclass
class Run:
    """What a way says of itself. `started` is the clock then; None: not told."""

    seconds: float
    started: float
    client_bytes: int | None = None
    dirtied: int | None = None


class TooLong(TimeoutError):
    """A way was given up after the limit."""


class Client:
    """client.py at work."""

    def __init__(self, bench, task: dict, **environment: str):
        self.limit = bench.options.limit
        environment = bench.server.environment(PGDATABASE=WORK, PYTHONPATH=str(ROOT), **environment)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.client", json.dumps(task)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.answer()["pid"]

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the client failed")
        return json.loads(line)

    def go(self) -> Run:
        late = threading.Event()

        def give_up():
            late.set()
            self.process.kill()

        timer = threading.Timer(self.limit, give_up)
        timer.start()
        try:
            print("go", file=self.process.stdin, flush=True)
            return Run(**self.answer())
        except RuntimeError:
            if late.is_set():
                raise TooLong from None
            raise
        finally:
            timer.cancel()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def sql(*statements: str, settings=(), until_none=False):
    """A way of SQL statements, each a transaction."""
    task = {"kind": "sql", "statements": statements, "settings": settings, "until_none": until_none}

    @contextmanager
    def way(bench):
        client = Client(bench, task)
        try:
            yield client.go
        finally:
            client.close()

    return way


def django(**environment: str):
    """A way of Django's command clearsessions."""
    task = {"kind": "django", "settings_module": "bench.site.settings", "command": "clearsessions"}

    @contextmanager
    def way(bench):
        client = Client(bench, task, **environment)
        try:
            yield client.go
        finally:
            client.close()

    return way


@contextmanager
def repack(bench):
    """DELETE, then the program pg_repack, whose memory is all that it takes."""
    client = Client(bench, {"kind": "sql", "statements": [DELETE]})

    def go():
        run = client.go()
        start = time.perf_counter()
        command = [str(bench.server.bindir / "pg_repack"), "--no-order", "--table", TABLE, WORK]
        process = subprocess.Popen(command, env=bench.server.environment(), stderr=subprocess.DEVNULL)
        while process.poll() is None:
            run.client_bytes = max(run.client_bytes, status(process.pid, "VmHWM"))
            time.sleep(0.01)
        if process.returncode:
            raise RuntimeError(f"pg_repack failed with status {process.returncode}")
        run.seconds += time.perf_counter() - start
        return run

    try:
        yield go
    finally:
        client.close()


@contextmanager
def cron(bench):
    """pg_cron starts at a full minute: what counts is what its own history says of the job."""
    query = """
        SELECT extract(epoch FROM end_time - start_time)::float8, extract(epoch FROM start_time)::float8
        FROM cron.job_run_details WHERE status = 'succeeded' AND jobid = %s"""
    with bench.server.connect() as session:
        session.execute("CREATE EXTENSION IF NOT EXISTS pg_cron")
        statement = "SELECT cron.schedule_in_database('clear', '* * * * *', %s, %s)"
        job = session.execute(statement, (DELETE, WORK)).fetchone()[0]

        def go():
            row = wait_until("pg_cron's job has run", lambda: session.execute(query, (job,)).fetchone(),
                             seconds=90 + bench.options.limit)
            return Run(*row)

        try:
            yield go
        finally:
            session.execute("SELECT cron.unschedule('clear')")


def worker(**settings: str):
    """The extension's worker, which begins when it hears of the database."""

    @contextmanager
    def way(bench):
        settings_before = {"raw_clear_sessions__tables": TABLE, "raw_clear_sessions__databases": ""}
        bench.server.set(**settings_before, **settings)
        with bench.server.connect(WORK) as session:
            # A table that it cleared a moment ago would not be due.
            session.execute("TRUNCATE raw_clear_sessions.history, raw_clear_sessions.state")

            def go():
                bench.server.set(raw_clear_sessions__databases=WORK)
                seconds, started, dirtied, stop = wait_until(
                    "the worker has cleared the table", lambda: session.execute(RUN).fetchone(),
                    seconds=bench.options.limit)
                if stop != "done":
                    raise RuntimeError(f"the worker's run ended: {stop}")
                return Run(seconds, started, dirtied=dirtied)

            try:
                yield go
            finally:
                bench.server.set(raw_clear_sessions__databases="")

    return way


@dataclass(frozen=True)
class Way:
    """A way, with the package that it is."""

    key: str
    start: Callable
    needs: str = "raw_clear_sessions"

    @property
    def label(self) -> str:
        return LABELS[self.key]


ALL = (
    Way("django_signals", django(BENCH_SIGNAL="yes"), "django"),
    Way("django", django(), "django"),
    Way("django_raw", django(BENCH_SESSION_ENGINE="django_raw_clearsessions.db"), "django_raw_clearsessions"),
    Way("delete", sql(DELETE), "postgresql"),
    Way("skip_locked", sql(SKIP_LOCKED, until_none=True), "postgresql"),
    Way("ranges", sql(RANGES), "postgresql"),
    Way("pg_cron", cron, "pg_cron"),
    Way("delete_vacuum", sql(DELETE, f"VACUUM {TABLE}"), "postgresql"),
    Way("delete_vacuum_full", sql(DELETE, f"VACUUM FULL {TABLE}"), "postgresql"),
    Way("delete_repack", repack, "pg_repack"),
    Way("copy_rename", sql(COPY_RENAME), "postgresql"),
    Way("copy_truncate", sql(COPY_TRUNCATE), "postgresql"),
    Way("function", sql(FUNCTION)),
    Way("function_vacuum", sql(FUNCTION, f"VACUUM {TABLE}")),
    Way("procedure", sql(PROCEDURE, settings=[UNLIMITED])),
    Way("worker", worker(raw_clear_sessions__cost_delay="2ms")),
    Way("worker_unlimited", worker(raw_clear_sessions__cost_delay="0")),
    Way("rewrite", sql(REWRITE)),
)
BY_KEY = {way.key: way for way in ALL}
