"""Where things are; a server with the extension in it, and an exporter beside it."""

import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
TOOLS = ROOT / "target/tools/monitoring/usr/bin"


def psql(*statements, database="app", user="postgres"):
    """Runs statements in the server that scripts/check has started; returns the rows of the last one as text."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-U", user]
    for statement in statements:
        command += ["-c", statement]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def wait_until(what, condition):
    """Waits until the condition holds, and returns what it came to."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within a minute: {what}")


def promtool(*arguments):
    result = subprocess.run([TOOLS / "promtool", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise AssertionError(result.stdout)
    return result.stdout


def defined_metrics():
    """The names of the metrics that queries.yml makes."""
    queries = yaml.safe_load((MONITORING / "queries.yml").read_text())
    return {
        f"{namespace}_{name}"
        for namespace, query in queries.items()
        for column in query["metrics"]
        for name, how in column.items()
        if how["usage"] == "GAUGE"
    }


def without_sizes():
    """The exporter's option, where it has it, not to ask for the size of each table, which waits for a lock on it."""
    command = [TOOLS / "prometheus-postgres-exporter", "--help"]
    known = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    return ["--no-collector.stat_user_tables"] if "--collector.stat_user_tables" in known else []


class Exporter:
    """prometheus-postgres-exporter with these queries, as a role."""

    def __init__(self, test, user, database="app"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        source = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} user={user} dbname={database} sslmode=disable"
        self.log = (ROOT / "target/log/exporter.log").open("w")
        self.process = subprocess.Popen(
            [
                TOOLS / "prometheus-postgres-exporter",
                f"--extend.query-path={MONITORING / 'queries.yml'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                *without_sizes(),
            ],
            env={"DATA_SOURCE_NAME": source},
            stdout=self.log,
            stderr=self.log,
        )
        test.addCleanup(self.end)
        wait_until("the exporter answers", self.answer)

    def end(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()

    def answer(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return ""

    def scrape(self):
        """Name and labels of each metric of ours, with its value."""
        metrics = {}
        for line in self.answer().splitlines():
            found = re.fullmatch(r"((?:raw_clear_sessions|pg_exporter_user)\w*)(?:\{(.*)\})? (\S+)", line)
            if found:
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
                metrics.setdefault(found[1], []).append((labels, float(found[3])))
        return metrics
