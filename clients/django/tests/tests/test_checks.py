"""The system checks say what an administrator of Django cannot see otherwise: that nobody clears the sessions."""

import sys
import time
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from django.contrib.sessions.models import Session
from django.core import checks
from django.core.management import call_command
from django.db import OperationalError, connections, transaction
from django.test import SimpleTestCase, override_settings

from django_raw_clearsessions.checks import check_distribution, check_sessions_are_cleared
from project.routers import sessions_in
from shop.models import ViewedSession
from tests.case import EXTENSION_SCHEMA, TestCase, insert, run, second_connection, store_for, transaction_of

SETTINGS = ("databases", "tables", "paused")


def configure(**settings):
    """Set the extension's settings in the server's configuration, and wait until this session has them."""
    for name, value in settings.items():
        run(f"ALTER SYSTEM SET raw_clear_sessions.{name} = '{value}'")
    run("SELECT pg_reload_conf()")
    wait_for(
        lambda: all(
            run(f"SELECT current_setting('raw_clear_sessions.{name}')") == [(value,)]
            for name, value in settings.items()
        )
    )


def wait_for(condition, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(seconds)
        time.sleep(0.01)


class Messages(TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        run("DELETE FROM raw_clear_sessions.policy")
        run("TRUNCATE raw_clear_sessions.history, raw_clear_sessions.state")
        configure(databases="", tables="", paused="off")

    def schedule(self, schedule="1 day", filter=None):  # noqa: A002
        function = f"{EXTENSION_SCHEMA}.raw_clear_sessions_schedule".replace("%", "%%")
        run(f"SELECT {function}('django_session', %s, filter => %s)", schedule, filter)

    def name(self):
        return connections["default"].settings_dict["NAME"]

    def check(self, *databases):
        return check_sessions_are_cleared(None, databases=databases or ("default",))

    def message(self, number, *databases):
        """The only message there is."""
        (message,) = self.check(*databases)
        self.assertEqual(message.id, f"django_raw_clearsessions.{number}")
        return message

    def test_nothing_to_say_where_the_worker_clears_the_sessions(self):
        self.schedule()
        configure(databases=self.name())
        wait_for(lambda: self.check() == [])

    def test_extension_is_missing(self):
        with sessions_in("without_extension"):
            message = self.message("I001", "without_extension")
        self.assertIn("'without_extension'", message.msg)
        self.assertEqual(
            message.hint,
            "Add RawClearSessionsExtension() to a migration, or run CREATE EXTENSION raw_clear_sessions.",
        )

    def test_extension_is_not_even_on_the_server(self):
        with mock.patch("django_raw_clearsessions.extension.NAME", "no_such_extension"):
            self.assertTrue(self.message("I001").hint.startswith("Install it on the server. Add "))

    def test_role_may_not_use_the_extension(self):
        with self.role():
            message = self.message("W002")
        self.assertIn("cannot be used in database 'default': permission denied.", message.msg)
        self.assertIn(f"GRANT USAGE ON SCHEMA {EXTENSION_SCHEMA}", message.hint)

    def test_role_may_not_read_the_status(self):
        view = "raw_clear_sessions.status"
        run(f"REVOKE SELECT ON {view} FROM PUBLIC")
        try:
            with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"):
                self.assertIn("permission denied for view status", self.message("W002").msg)
        finally:
            run(f"GRANT SELECT ON {view} TO PUBLIC")

    def test_an_error_that_says_nothing_of_the_extension_is_raised(self):
        with second_connection() as other, transaction_of(other) as cursor, transaction.atomic():
            cursor.execute("LOCK TABLE raw_clear_sessions.policy IN ACCESS EXCLUSIVE MODE", [])
            run("SET LOCAL lock_timeout = '10ms'")
            with self.assertRaisesMessage(OperationalError, "lock timeout"):
                self.check()

    def test_nothing_is_scheduled(self):
        message = self.message("I002")
        self.assertIn('No policy of raw_clear_sessions clears "django_session"', message.msg)
        self.assertIn(
            f"SELECT {EXTENSION_SCHEMA}.raw_clear_sessions_schedule('\"django_session\"', expires => 'expire_date')",
            message.hint,
        )
        self.assertIn(f'Add "{self.name()}" to "raw_clear_sessions.databases"', message.hint)

    def test_following_the_hint_helps(self):
        for engine in ("django_raw_clearsessions.db", "mybackend"):
            with self.subTest(engine), override_settings(SESSION_ENGINE=engine):
                run(self.message("I002").hint.partition(", run ")[2].partition("). ")[0] + ")")
                hint = self.message("W003").hint
                self.assertIn(f'Add "{self.name()}" to "raw_clear_sessions.databases"', hint)

    def test_an_ordinary_role_is_told_the_same(self):
        with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"):
            self.message("I002")
        self.schedule()
        with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"):
            self.message("W003")

    def test_scheduled_by_a_policy_but_the_worker_does_not_work_here(self):
        self.schedule()
        message = self.message("W003")
        self.assertEqual(
            message.msg,
            '"django_session" is scheduled by a policy, but the worker does not work in this database.',
        )
        self.assertEqual(message.level, checks.WARNING)

    def test_scheduled_in_the_setting_but_the_worker_is_paused(self):
        configure(databases=self.name(), tables="django_session", paused="on")
        self.assertEqual(
            self.message("W003").msg,
            '"django_session" is scheduled in the setting raw_clear_sessions.tables, but the worker is paused.',
        )

    def test_clearing_fails(self):
        insert(Session)
        self.schedule(schedule="1 s", filter="length(session_key) / 0 = 1")
        configure(databases=self.name())
        wait_for(self.check)
        message = self.message("W004").msg
        self.assertIn('Clearing "django_session" fails, ', message)
        self.assertIn(" in a row by now: could not delete ", message)
        self.assertIn(": division by zero", message)

    def test_nothing_to_say_of_other_databases(self):
        self.assertEqual(self.check("without_extension"), [])
        self.assertEqual(check_sessions_are_cleared(None), [])
        with sessions_in("sqlite"):
            self.assertEqual(self.check("default", "sqlite"), [])

    @override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache")
    def test_nothing_to_say_of_engines_without_a_model(self):
        self.assertEqual(self.check(), [])

    @override_settings(SESSION_ENGINE="tests.test_checks")
    def test_nothing_to_say_before_the_first_migrate(self):
        run("ALTER VIEW viewed_session RENAME TO viewed_session_")
        try:
            self.assertEqual(self.check(), [])
        finally:
            run("ALTER VIEW viewed_session_ RENAME TO viewed_session")

    def test_command_shows_and_can_silence_it(self):
        def output():
            stderr = StringIO()
            call_command("check", databases=["default"], stderr=stderr, stdout=StringIO())
            return stderr.getvalue()

        self.assertIn("django_raw_clearsessions.I002", output())
        with override_settings(SILENCED_SYSTEM_CHECKS=["django_raw_clearsessions.I002"]):
            self.assertNotIn("I002", output())


SessionStore = store_for(ViewedSession)  # the engine "tests.test_checks"


class Distribution(SimpleTestCase):
    def test_nothing_to_say_of_this_one_alone(self):
        self.assertEqual(check_distribution(None), [])

    def test_the_one_of_the_same_package_must_not_be_there_too(self):
        with TemporaryDirectory() as folder:
            info = Path(folder, "django_raw_clearsessions-0.1.dist-info")
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: django-raw-clearsessions\nVersion: 0.1\n")
            sys.path.append(folder)
            try:
                messages = checks.run_checks()
            finally:
                sys.path.remove(folder)
        self.assertEqual([message.id for message in messages], ["django_raw_clearsessions.W001"])
