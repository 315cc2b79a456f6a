"""What an exporter tells of a server with the extension, as a monitoring role that may read no session table."""

import subprocess
import time
import unittest

from setting import Exporter, defined_metrics, psql, wait_until

SESSIONS = """
CREATE TABLE {0} (session_key text PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO {0} SELECT n, '', now() + n * interval '1 hour' FROM generate_series(-90, 10) AS n WHERE n <> 0;
"""


def value(metrics, name, **labels):
    """The one value of a metric with these labels."""
    found = [number for there, number in metrics.get(name, []) if labels.items() <= there.items()]
    if len(found) != 1:
        raise AssertionError(f"{name} {labels}: {found}")
    return found[0]


def wait_for_lock(table):
    """Waits until somebody has a table for himself."""
    held = "FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation"
    wait_until(f"{table} is locked", lambda: psql(f"SELECT count(*) {held} = '{table}'::regclass") == "1")


class Scrape(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        psql("CREATE DATABASE app", database="postgres")
        psql("CREATE EXTENSION raw_clear_sessions", "CREATE SCHEMA shop")
        psql(SESSIONS.format("django_session"), SESSIONS.format("shop.limited"), SESSIONS.format("shop.failing"))
        psql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
        psql("INSERT INTO shop.limited SELECT n, '', now() - interval '1 hour' FROM generate_series(1001, 2910) AS n")
        psql(
            "CREATE FUNCTION shop.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$",
            "CREATE TRIGGER fail BEFORE DELETE ON shop.failing EXECUTE FUNCTION shop.fail()",
            "SELECT raw_clear_sessions_schedule('shop.limited', '1 day', max_rows => 300)",
            "SELECT raw_clear_sessions_schedule('shop.failing', '1 s')",
        )
        wait_until(
            "each table has been cleared once",
            lambda: psql('SELECT count(*) FROM raw_clear_sessions.status WHERE runs > 0') == "3",
        )
        wait_until(
            "a start has failed, and the next is due",
            lambda: psql("SELECT max(starts_since_success) >= 2 FROM raw_clear_sessions.status") == "t",
        )
        psql("ANALYZE")

    def test_every_metric_is_told(self):
        psql(SESSIONS.format("shop.slow"))
        # A run that goes on for as long as somebody keeps it from the table.
        with subprocess.Popen(["psql", "-X", "-q", "-d", "app"], stdin=subprocess.PIPE, text=True) as locker:
            self.addCleanup(psql, "DROP TABLE shop.slow")
            locker.stdin.write("BEGIN; LOCK TABLE shop.slow;\n")
            locker.stdin.flush()
            wait_for_lock("shop.slow")
            caller = subprocess.Popen(
                ["psql", "-X", "-q", "-d", "app", "-c", "SET raw_clear_sessions.lock_timeout = '60s'",
                 "-c", "CALL raw_clear_sessions_in_batches('shop.slow', deleted => NULL)"],
                stdout=subprocess.DEVNULL,
            )
            wait_until("it runs", lambda: psql("SELECT count(*) FROM raw_clear_sessions.progress") == "1")
            metrics = Exporter(self, "watcher").scrape()
            locker.stdin.close()
            locker.wait(30)
            self.assertEqual(caller.wait(60), 0)
        self.assertEqual({name for name in metrics if name.startswith("raw_")} ^ defined_metrics(), set())
        self.assertEqual(value(metrics, "pg_exporter_user_queries_load_error"), 0)

    def test_the_numbers_are_those_of_the_status(self):
        metrics = Exporter(self, "watcher").scrape()
        prefix = "raw_clear_sessions_table_"
        cleared = {"datname": "app", "schemaname": "public", "relname": "django_session"}
        limited = {"datname": "app", "schemaname": "shop", "relname": "limited"}
        failing = {"datname": "app", "schemaname": "shop", "relname": "failing"}
        self.assertEqual(value(metrics, "raw_clear_sessions_worker_up", datname="app"), 1)
        self.assertEqual(value(metrics, prefix + "last_deleted_rows", **cleared), 90)
        self.assertEqual(value(metrics, prefix + "expired_left_rows", **cleared), 0)
        self.assertEqual(value(metrics, prefix + "live_rows", **cleared), 10)
        self.assertEqual(value(metrics, prefix + "starts_since_success", **cleared), 0)
        self.assertLess(abs(time.time() - value(metrics, prefix + "cleared_until_timestamp_seconds", **cleared)), 300)
        deleted = value(metrics, prefix + "last_deleted_rows", **limited)
        self.assertIn(deleted, range(300, 1000))
        self.assertEqual(value(metrics, prefix + "expired_left_rows", **limited), 2000 - deleted)
        never = value(metrics, prefix + "cleared_until_timestamp_seconds", **limited)
        self.assertNotEqual(never, never)
        self.assertGreaterEqual(value(metrics, prefix + "failures", **failing), 1)
        self.assertGreaterEqual(value(metrics, prefix + "starts_since_success", **failing), 2)

    def test_what_is_wrong_is_told_in_words(self):
        metrics = Exporter(self, "watcher").scrape()
        notes = [(labels["kind"], labels["note"]) for labels, _ in metrics["raw_clear_sessions_problem_present"]]
        missing = "table missing of raw_clear_sessions.tables does not exist in this database"
        self.assertEqual(notes, [("elsewhere", missing)])

    def test_each_kind_of_note_is_told_from_the_others(self):
        limited = "'shop.limited'::regclass"
        self.addCleanup(psql, f"SELECT raw_clear_sessions_resume({limited})")
        psql(f"SELECT raw_clear_sessions_suspend({limited})")
        metrics = Exporter(self, "watcher").scrape()
        kinds = {labels["kind"] for labels, _ in metrics["raw_clear_sessions_problem_present"]}
        self.assertEqual(kinds, {"elsewhere", "suspended"})
        psql("UPDATE raw_clear_sessions.origin SET restored = true")
        self.addCleanup(psql, "SELECT raw_clear_sessions_resume_all()")
        metrics = Exporter(self, "watcher").scrape()
        kinds = {labels["kind"] for labels, _ in metrics["raw_clear_sessions_problem_present"]}
        self.assertEqual(kinds, {"elsewhere", "suspended", "problem"})

    def test_a_database_that_the_worker_is_not_meant_for_has_none(self):
        psql("CREATE DATABASE cron", database="postgres")
        psql("CREATE EXTENSION raw_clear_sessions", SESSIONS.format("django_session"), database="cron")
        psql("SELECT raw_clear_sessions('django_session')", database="cron")
        metrics = Exporter(self, "watcher", "cron").scrape()
        self.assertNotIn("raw_clear_sessions_worker_up", metrics)
        self.assertEqual(value(metrics, "raw_clear_sessions_server_in_recovery", datname="cron"), 0)

    def test_a_scrape_waits_for_no_lock_on_a_session_table(self):
        exporter = Exporter(self, "watcher")
        with subprocess.Popen(["psql", "-X", "-q", "-d", "app"], stdin=subprocess.PIPE, text=True) as locker:
            locker.stdin.write("BEGIN; LOCK TABLE django_session, shop.limited;\n")
            locker.stdin.flush()
            wait_for_lock("shop.limited")
            metrics = exporter.scrape()
            locker.stdin.close()
            locker.wait(30)
        self.assertEqual(len(metrics["raw_clear_sessions_table_live_rows"]), 3)

    def test_the_role_may_read_no_session_table(self):
        self.assertEqual(psql("SELECT has_any_column_privilege('watcher', 'django_session', 'SELECT')"), "f")
