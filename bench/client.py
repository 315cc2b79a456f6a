"""One client of the server, in a process of its own so that its memory can be told. Started by ways.py.

Takes what to do as JSON in its first argument, connects, says so, waits for a line, does it, and says how long that
took and how much memory: the start of Python and the connection are not in it.

Imports what its task takes and nothing else: its memory is what is measured.
"""

import json
import os
import sys
import time


def status(name: str) -> int:
    """A size from /proc/self/status, in bytes."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name + ":"))


def forget_peak():
    """Makes VmHWM begin anew (man 5 proc, clear_refs)."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def open_sql(task):
    """Statements, one transaction each, or one statement until it finds no more rows."""
    import psycopg

    session = psycopg.connect(autocommit=True)
    for statement in task.get("settings", []):
        session.execute(statement)

    def work():
        for statement in task["statements"]:
            while session.execute(statement).rowcount > 0 and task.get("until_none"):
                pass

    return session.info.backend_pid, work


def open_django(task):
    """A Django command."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = task["settings_module"]
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    connection.ensure_connection()
    return connection.connection.info.backend_pid, lambda: call_command(task["command"])


def main():
    task = json.loads(sys.argv[1])
    pid, work = {"sql": open_sql, "django": open_django}[task["kind"]](task)
    forget_peak()
    before = status("VmRSS")
    print(json.dumps({"pid": pid}), flush=True)
    if not sys.stdin.readline():
        return
    started, start = time.time(), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    result = {"seconds": seconds, "started": started, "client_bytes": max(status("VmHWM") - before, 0)}
    print(json.dumps(result), flush=True)


main()
