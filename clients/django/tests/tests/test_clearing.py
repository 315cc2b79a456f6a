"""In PostgreSQL with the extension, it clears the sessions, wherever they are and whatever the model calls things."""

from contextlib import contextmanager

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connections, transaction
from django.db.models.signals import post_delete, pre_delete
from django.test import override_settings

from project.routers import sessions_in
from shop.models import AccountSession
from tests.case import (
    EXTENSION_SCHEMA,
    LOGGER,
    TestCase,
    insert,
    keys,
    run,
    second_connection,
    store_of,
    transaction_of,
)


class EngineTests:
    """For each of the ways to use the package."""

    model = Session

    def test_clearsessions_deletes_the_expired_sessions_with_the_extension(self):
        live = insert(self.model)
        with self.statements() as statements:
            call_command("clearsessions")
        self.assert_cleared_by_extension(statements)
        self.assertEqual(keys(self.model), live)

    def test_aclear_expired_does_the_same(self):
        live = insert(self.model)
        with self.statements() as statements:
            async_to_sync(store_of(settings.SESSION_ENGINE).aclear_expired)()
        self.assert_cleared_by_extension(statements)
        self.assertEqual(keys(self.model), live)

    def test_sessions_are_written_and_read_as_before(self):
        store = store_of(settings.SESSION_ENGINE)
        written = store()
        written["account_id"] = 42
        written.create()
        call_command("clearsessions")
        cache.clear()
        self.assertEqual(store(session_key=written.session_key)["account_id"], 42)
        self.assertEqual(keys(self.model), {written.session_key})

    def test_nobody_is_told_of_deletions(self):
        def listener(**kwargs):
            self.fail("a row was loaded and deleted")

        insert(self.model)
        for signal in (pre_delete, post_delete):
            signal.connect(listener, sender=self.model)
            self.addCleanup(signal.disconnect, listener, sender=self.model)
        call_command("clearsessions")

    @override_settings(USE_TZ=False)
    def test_without_time_zones(self):
        live = insert(self.model)
        call_command("clearsessions")
        self.assertEqual(keys(self.model), live)


@override_settings(SESSION_ENGINE="django_raw_clearsessions.db")
class DatabaseEngine(EngineTests, TestCase):
    pass


@override_settings(SESSION_ENGINE="django_raw_clearsessions.cached_db")
class CachedDatabaseEngine(EngineTests, TestCase):
    pass


@override_settings(SESSION_ENGINE="mybackend")
class MixinOverCustomEngine(EngineTests, TestCase):
    model = AccountSession


class Transactions(TestCase):
    def test_in_a_transaction_the_deletion_is_part_of_it(self):
        insert(Session)
        before = keys(Session)
        with transaction.atomic():
            call_command("clearsessions")
            self.assertEqual(len(keys(Session)), 2)
            transaction.set_rollback(True)
        self.assertEqual(keys(Session), before)

    def test_says_in_the_log_what_it_has_deleted(self):
        insert(Session)
        with self.assertLogs(LOGGER, "INFO") as logs:
            call_command("clearsessions")
        self.assertEqual(
            [record.getMessage() for record in logs.records],
            ["sessions.Session: deleted 3 expired sessions in database 'default'"],
        )

    def test_clears_where_sessions_are_written_not_where_they_are_read(self):
        live = insert(Session)
        elsewhere = insert(Session, live=0, using="without_extension")
        elsewhere = keys(Session, using="without_extension")
        with sessions_in("default", read="without_extension"):
            call_command("clearsessions")
        self.assertEqual(keys(Session), live)
        self.assertEqual(keys(Session, using="without_extension"), elsewhere)


@override_settings(RAW_CLEAR_SESSIONS_IN_BATCHES=True)
class Batches(TestCase):
    def test_procedure_is_called(self):
        live = insert(Session)
        with self.assertLogs(LOGGER, "INFO") as logs, self.statements() as statements:
            call_command("clearsessions")
        self.assertIn("deleted 3 expired sessions", logs.output[0])
        self.assert_cleared_by_extension(statements, call="CALL")
        self.assertEqual(keys(Session), live)

    def test_function_is_called_in_a_transaction(self):
        live = insert(Session)
        with self.statements() as statements, transaction.atomic():
            call_command("clearsessions")
        self.assert_cleared_by_extension(statements)
        self.assertEqual(keys(Session), live)

    def test_function_is_called_where_the_procedure_may_not_be(self):
        live = insert(Session)
        procedure = f"PROCEDURE {EXTENSION_SCHEMA}.raw_clear_sessions_in_batches"
        run(f"REVOKE EXECUTE ON {procedure} FROM PUBLIC")
        try:
            with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"), self.statements() as statements:
                call_command("clearsessions")
        finally:
            run(f"GRANT EXECUTE ON {procedure} TO PUBLIC")
        self.assert_cleared_by_extension(statements)
        self.assertEqual(keys(Session), live)


class OtherSessions(TestCase):
    """Who else is using the table, or has been in the extension's schema."""

    @contextmanager
    def being_cleared(self):
        with second_connection() as other, transaction_of(other) as cursor:
            cursor.execute(f"SELECT {EXTENSION_SCHEMA.replace('%', '%%')}.raw_clear_sessions(%s)", ["django_session"])
            run("SET lock_timeout = '10s'")  # A DELETE would wait for the rows that have gone.
            try:
                yield
            finally:
                run("RESET lock_timeout")

    def test_a_table_that_is_being_cleared_is_left_to_who_clears_it(self):
        insert(Session)
        with self.being_cleared(), self.assertLogs(LOGGER, "WARNING") as logs:
            call_command("clearsessions")
        self.assertIn('table "django_session" is being cleared by another session', logs.output[0])

    @override_settings(RAW_CLEAR_SESSIONS_IN_BATCHES=True)
    def test_the_same_in_batches(self):
        insert(Session)
        with self.being_cleared(), self.assertLogs(LOGGER, "WARNING") as logs:
            call_command("clearsessions")
        self.assertIn('table "django_session" is being cleared by another session', logs.output[0])

    def test_the_same_in_a_transaction_which_can_go_on(self):
        insert(Session)
        with self.being_cleared(), transaction.atomic():
            call_command("clearsessions")
            self.assertEqual(len(keys(Session)), 5)

    def test_a_lock_timeout_is_an_error(self):
        insert(Session)
        with second_connection() as other, transaction_of(other) as cursor:
            cursor.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
            with transaction.atomic():
                run("SET LOCAL lock_timeout = '10ms'")
                with self.statements() as statements, self.assertRaisesMessage(OperationalError, "lock timeout"):
                    call_command("clearsessions")
        self.assertFalse([sql for sql in statements if sql.startswith("DELETE")])
        self.assertEqual(len(keys(Session)), 5)

    def test_a_function_of_the_same_name_is_not_called(self):
        live = insert(Session)
        run(
            f"""
            CREATE FUNCTION {EXTENSION_SCHEMA}.raw_clear_sessions("table" regclass, expires text) RETURNS bigint
            LANGUAGE plpgsql AS $$ BEGIN RAISE 'this is not the extension''s'; END $$
            """
        )
        try:
            call_command("clearsessions")
        finally:
            run(f"DROP FUNCTION {EXTENSION_SCHEMA}.raw_clear_sessions(regclass, text)")
        self.assertEqual(keys(Session), live)


class Drivers(TestCase):
    def test_server_side_binding(self):
        """With parameters that the server gets apart from the statement."""
        connection = connections["default"]
        if not getattr(connection.Database, "__version__", "").startswith("3"):
            self.skipTest("psycopg2 has no such thing")
        live = insert(Session)
        connection.settings_dict["OPTIONS"]["server_side_binding"] = True
        connection.close()
        try:
            call_command("clearsessions")
            with override_settings(RAW_CLEAR_SESSIONS_IN_BATCHES=True):
                call_command("clearsessions")
        finally:
            del connection.settings_dict["OPTIONS"]["server_side_binding"]
            connection.close()
        self.assertEqual(keys(Session), live)
