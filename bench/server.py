"""A server of the stage's, with a data directory of its own, on a unix socket only."""

import os
import shlex
import subprocess
import time
from pathlib import Path

import psycopg

PORT = 5432
# Of the server's user, where the caller is root: a command to put before (scripts/common, AS_SERVER_USER).
AS_SERVER_USER = shlex.split(os.environ.get("BENCH_AS", ""))


def wait_until(what: str, condition, seconds: float = 120, interval: float = 0.02):
    """Waits for a condition, and returns what made it true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited for {seconds:.0f} s in vain: {what}")
        time.sleep(interval)


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def site_settings() -> dict[str, str]:
    """As a site runs its server: durable, with a quarter of the memory up to 4 GB; everything else is the default.

    No checkpoint, autovacuum or analyze comes in the middle of one measurement and not of the other.
    """
    buffers = os.environ.get("BENCH_SHARED_BUFFERS") or f"{min(memory_bytes() // 4, 4 << 30) >> 20}MB"
    return {
        "fsync": "on",
        "shared_buffers": buffers,
        "max_wal_size": "16GB",
        # So that WAL is written into files that are there, as on a server that has run for a while.
        "min_wal_size": "2GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
    }


class Server:
    """One server. `settings` are for its whole life, set() is for later."""

    def __init__(self, bindir: Path, folder: Path, settings: dict[str, str]):
        self.bindir = bindir
        self.data = folder / "data"
        self.socket = folder
        self.log = folder / "log"
        self.settings = settings
        self.process = None

    def run(self, program: str, *arguments: str):
        """Runs one of PostgreSQL's programs as the server's user."""
        command = [*AS_SERVER_USER, str(self.bindir / program), *arguments]
        done = subprocess.run(command, cwd="/", env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def environment(self, **more: str) -> dict[str, str]:
        """What a client of this server finds in its environment."""
        own = {"PGHOST": str(self.socket), "PGPORT": str(PORT), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        return {**os.environ, "LC_ALL": "C", **own, **more}

    def initialize(self):
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
                 "--no-instructions")

    def start(self):
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.socket), **self.settings}
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*AS_SERVER_USER, str(self.bindir / "postgres"), "-D", str(self.data), *arguments], cwd="/",
                env=self.environment(TZ="UTC"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        wait_until(f"the server starts ({self.log})", self.is_ready)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-2000:]}")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self):
        """Fast shutdown."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(2)
            self.process.wait(timeout=120)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket), port=PORT, user="postgres", dbname=database, autocommit=True)

    def value(self, query: str, *parameters, database: str = "postgres"):
        """The first value that a query returns, in a session of its own."""
        with self.connect(database) as session:
            return session.execute(query, parameters or None).fetchone()[0]

    def set(self, **settings: str):
        """Changes settings for all sessions that begin after it. Two underscores in a name stand for a dot."""
        with self.connect() as session:
            loaded = session.execute("SELECT pg_conf_load_time()").fetchone()[0]
            for name, value in settings.items():
                session.execute(f"ALTER SYSTEM SET {name.replace('__', '.')} = '{value}'")
            session.execute("SELECT pg_reload_conf()")
        wait_until("the settings are loaded", lambda: self.value("SELECT pg_conf_load_time()") > loaded)
