"""What the scripts here have in common: a template database, a copy of it for each measurement, and what a session uses."""

import psycopg


def connect(database):
    return psycopg.connect(dbname=database, autocommit=True)


def make_template(statements):
    """Makes the database that is measured, and returns a session in which it can be copied."""
    server = connect("postgres")
    server.execute("CREATE DATABASE template")
    with connect("template") as session:
        for statement in statements.split(";"):
            session.execute(statement)
    return server


def copy_template(server):
    """Makes the database `work` anew."""
    server.execute("DROP DATABASE IF EXISTS work")
    server.execute("CREATE DATABASE work TEMPLATE template STRATEGY file_copy")
    server.execute("CHECKPOINT")


def processor_time(session):
    """What the session's backend has used so far, in seconds."""
    with open(f"/proc/{session.info.backend_pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def wal(session):
    """How many bytes of WAL there are."""
    return int(session.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()[0])
