"""What all tests of the suite do: a library makes its table and writes its sessions, these are cleared, and the library
loads them again.

A library's part is a program, `node main.mjs FILE/NAME` and so on, which makes the table, writes the sessions, says in a line
of JSON which, waits for a line, and says which of them it still loads."""

import json
import os
import subprocess
import tempfile
import unittest

import psycopg
from psycopg import sql

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ["RCS_STORES"]
LIMIT = 120

# What an application may have beside its sessions, and looks like them. None of it may ever be cleared.
APPLICATION = """
CREATE SCHEMA application;
CREATE TABLE application.subscription (id text PRIMARY KEY, user_id bigint NOT NULL, plan text NOT NULL,
    expires_at timestamptz NOT NULL);
CREATE TABLE application.certificate (serial text PRIMARY KEY, pem text NOT NULL, not_after timestamptz NOT NULL);
CREATE TABLE application.message (id bigserial PRIMARY KEY, session_id text NOT NULL, data jsonb,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE application.documents (id text PRIMARY KEY, customer_id bigint NOT NULL, title text NOT NULL,
    data bytea NOT NULL, expiry_date timestamptz NOT NULL);
CREATE TABLE application.api_keys (id bigserial PRIMARY KEY, key text NOT NULL, owner text NOT NULL,
    scopes text[] NOT NULL, expiration bigint NOT NULL);
CREATE TABLE application.signature (id text PRIMARY KEY, "documentId" text NOT NULL, "userId" text, token text NOT NULL,
    "ipAddress" text, "userAgent" text, "signedAt" timestamptz, "expiresAt" timestamptz NOT NULL);
CREATE TABLE application.offers (sid text PRIMARY KEY, data text NOT NULL, price numeric NOT NULL,
    expires timestamptz NOT NULL);
INSERT INTO application.documents VALUES ('lease', 1, 'Lease', '', now() - interval '1 day');
INSERT INTO application.api_keys (key, owner, scopes, expiration) VALUES ('k', 'o', '{read}', 1700000000);
INSERT INTO application.signature VALUES ('s', 'lease', 'u', 't', NULL, NULL, NULL, now() - interval '1 day');
INSERT INTO application.offers VALUES ('o', '', 12.5, now() - interval '1 day');
INSERT INTO application.subscription VALUES ('s', 1, 'yearly', now() - interval '1 day');
INSERT INTO application.certificate VALUES ('c', '', now() - interval '1 day');
INSERT INTO application.message (session_id, created_at, updated_at) VALUES ('m', '2020-01-01', '2020-01-01');
"""

# The tables of the database that are not the extension's.
TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""


class Program:
    """A library's part, running."""

    def __init__(self, command, database):
        # Its clock is not the server's: a zone that is forgotten on the way makes a session five hours older.
        environment = dict(os.environ, PGDATABASE=database, TZ="America/New_York")
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def says(self):
        """The next line of JSON; what a library prints besides is passed over."""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.process.wait(LIMIT)
        self.errors.seek(0)
        raise AssertionError(f"the program ended with {self.process.returncode}:\n{self.errors.read()[-4000:]}")

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


class Case(unittest.TestCase):
    """Each test has a database of its own, with the extension and an application's tables."""

    def setUp(self):
        self.database = "stores_" + self._testMethodName.removeprefix("test_")[:50]
        with psycopg.connect(autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {0} WITH (FORCE)").format(sql.Identifier(self.database)))
            server.execute(sql.SQL("CREATE DATABASE {0} TEMPLATE template0").format(sql.Identifier(self.database)))
        self.connection = psycopg.connect(dbname=self.database, autocommit=True)
        self.addCleanup(self.connection.close)
        self.connection.execute("CREATE EXTENSION raw_clear_sessions")
        self.connection.execute(APPLICATION)

    def one(self, statement):
        return self.connection.execute(statement).fetchone()[0]

    def tables(self):
        return [name for name, in self.connection.execute(TABLES)]

    def deleted_from(self, table):
        """The rows that a call would delete which knows no more than the table's name."""
        try:
            return self.one(f"SELECT raw_clear_sessions('{table}')")
        except psycopg.errors.UndefinedColumn:
            return 0

    def clears(self, command, framework, table, arguments="", others=()):
        """The whole way of a library. Without a framework, the table is not one of those that are recognized, and the
        arguments say all. `others` are further tables of the library that are recognized, rightly."""
        call = f"'{table}'" + (f", {arguments}" if arguments else "")
        with Program(command, self.database) as program:
            written = program.says()
            live, expired = set(written["live"]), set(written["expired"])
            self.assertTrue(len(live) >= 3 and len(expired) >= 3, written)
            self.assertIn(table, self.tables())
            self.assertEqual(len(live | expired), self.one(f"SELECT count(*) FROM {table}"))
            plan = self.one(f"SELECT raw_clear_sessions_preview({call}, exact => true)")
            if framework:
                self.assertEqual(framework, plan["framework"])
            self.assertEqual((len(expired), len(live | expired)), (plan["expired_rows"], plan["total_rows"]))
            self.assertEqual(len(expired), self.one(f"SELECT raw_clear_sessions({call})"))
            self.assertEqual(len(live), self.one(f"SELECT count(*) FROM {table}"))
            beside = set(self.tables()) - {table} - set(others)
            self.assertEqual({}, {name: rows for name in beside if (rows := self.deleted_from(name))})
            program.go_on()
            self.assertEqual(live, set(program.says()["loaded"]))


def stores(program, table):
    """A class of tests, one for each row (name, framework, table, arguments, others) of the table."""
    tests = {}
    for name, *rest in table:
        def test(self, name=name, rest=rest):
            self.clears([*program, name], *rest)
        tests["test_" + name.replace("/", "_").replace("-", "_")] = test
    return type("Stores", (Case,), tests)
