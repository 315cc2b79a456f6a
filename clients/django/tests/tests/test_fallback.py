"""Where the extension cannot clear the sessions, one DELETE does; and where that would not do, Django."""

from unittest import mock

from django.contrib.sessions.backends import cache as cache_engine, file as file_engine
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.test import SimpleTestCase, override_settings

from django_raw_clearsessions import SessionStoreMixin
from project.routers import sessions_in
from shop.models import (
    AccountSession,
    ArchivedSession,
    ChildSession,
    Device,
    DeviceSession,
    LocalTimeSession,
    ParentSession,
    ViewedSession,
)
from tests.case import EXTENSION_SCHEMA, LOGGER, TestCase, insert, keys, run, store_for

ENGINES = ("django_raw_clearsessions.db", "django_raw_clearsessions.cached_db")


class OneDelete(TestCase):
    def assert_one_delete(self, alias, model=Session):
        live = insert(model, using=alias)
        with sessions_in(alias), self.statements(using=alias) as statements:
            call_command("clearsessions")
        self.assert_cleared_by_delete(statements)
        self.assertEqual(keys(model, using=alias), live)

    def test_without_the_extension(self):
        for engine in ENGINES:
            with self.subTest(engine), override_settings(SESSION_ENGINE=engine):
                Session.objects.using("without_extension").all().delete()
                self.assert_one_delete("without_extension")

    def test_in_sqlite(self):
        for engine in ENGINES:
            with self.subTest(engine), override_settings(SESSION_ENGINE=engine):
                Session.objects.using("sqlite").all().delete()
                self.assert_one_delete("sqlite")

    @override_settings(SESSION_ENGINE="mybackend")
    def test_without_the_extension_for_a_custom_engine(self):
        self.assert_one_delete("without_extension", model=AccountSession)

    def test_in_batches_or_not_makes_no_difference(self):
        with override_settings(RAW_CLEAR_SESSIONS_IN_BATCHES=True):
            self.assert_one_delete("without_extension")
            self.assert_one_delete("sqlite")

    def test_deletes_where_sessions_are_written_not_where_they_are_read(self):
        insert(Session)
        live = insert(Session, using="sqlite")
        with sessions_in("sqlite", read="default"):
            call_command("clearsessions")
        self.assertEqual(keys(Session, using="sqlite"), live)
        self.assertEqual(len(keys(Session)), 5)


class ExtensionThatCannotBeCalled(TestCase):
    def assert_one_delete(self, model=Session, store=None):
        store = store or store_for(model)
        with self.assertLogs(LOGGER, "WARNING") as logs, self.statements() as statements:
            store.clear_expired()
        self.assert_cleared_by_delete(statements)
        return logs.output[0]

    def test_without_the_privilege_to_execute_the_function(self):
        live = insert(Session)
        function = f"FUNCTION {EXTENSION_SCHEMA}.raw_clear_sessions"
        run(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
        try:
            with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"):
                message = self.assert_one_delete()
        finally:
            run(f"GRANT EXECUTE ON {function} TO PUBLIC")
        self.assertIn('raw_clear_sessions cannot clear "django_session": permission denied', message)
        self.assertEqual(keys(Session), live)

    def test_without_the_privilege_to_use_the_schema(self):
        live = insert(Session)
        with self.role():
            self.assert_one_delete()
        self.assertEqual(keys(Session), live)

    def test_with_both_privileges_an_ordinary_role_can_call_it(self):
        live = insert(Session)
        with self.role(f"USAGE ON SCHEMA {EXTENSION_SCHEMA}"), self.statements() as statements:
            call_command("clearsessions")
        self.assert_cleared_by_extension(statements)
        self.assertEqual(keys(Session), live)

    def test_when_the_extension_clears_no_such_relation(self):
        live = insert(Session)
        message = self.assert_one_delete(ViewedSession)
        self.assertIn("viewed_session", message)
        self.assertEqual(keys(Session), live)

    def test_when_the_extension_would_have_to_ask_for_the_time_zone(self):
        with override_settings(USE_TZ=False):
            live = insert(LocalTimeSession)
            message = self.assert_one_delete(LocalTimeSession)
            self.assertIn("time_zone", message)
            self.assertEqual(keys(LocalTimeSession), live)

    def test_when_the_library_of_the_extension_is_gone(self):
        live = insert(Session)
        move = "UPDATE pg_proc SET probin = %s WHERE proname = 'raw_clear_sessions'"
        run(move, "$libdir/removed with the old packages")
        try:
            message = self.assert_one_delete()
        finally:
            run(move, "$libdir/raw_clear_sessions")
        self.assertIn("removed with the old packages", message)
        self.assertEqual(keys(Session), live)

    def test_in_batches(self):
        live = insert(Session)
        with override_settings(RAW_CLEAR_SESSIONS_IN_BATCHES=True):
            self.assert_one_delete(ViewedSession)
        self.assertEqual(keys(Session), live)

    def test_in_a_transaction_which_can_go_on(self):
        live = insert(Session)
        with transaction.atomic():
            self.assert_one_delete(ViewedSession)
            self.assertEqual(keys(Session), live)

    def test_a_read_only_transaction_is_an_error(self):
        insert(Session)
        with self.assertRaisesMessage(DatabaseError, "read-only transaction"), transaction.atomic():
            run("SET TRANSACTION READ ONLY")
            call_command("clearsessions")
        self.assertEqual(len(keys(Session)), 5)


class Django(TestCase):
    """What one statement cannot delete, Django does, as without this package."""

    def test_rows_that_belong_to_the_sessions_go_with_them(self):
        live = insert(DeviceSession)
        for key in keys(DeviceSession):
            Device.objects.create(session_id=key)
        store_for(DeviceSession).clear_expired()
        self.assertEqual(keys(DeviceSession), live)
        self.assertEqual(set(Device.objects.values_list("session_id", flat=True)), live)

    def test_sessions_in_two_tables_go_from_both(self):
        insert(ParentSession)
        for parent in ParentSession.objects.all():
            child = ChildSession(parentsession_ptr=parent, note="")
            child.__dict__.update(session_data="", expire_date=parent.expire_date)
            child.save()
        store_for(ChildSession).clear_expired()
        self.assertEqual(len(keys(ParentSession)), 2)
        self.assertEqual(keys(ChildSession), keys(ParentSession))

    def test_sessions_that_the_manager_hides_stay(self):
        live = insert(ArchivedSession)
        ArchivedSession.everything.filter(pk__in=live).update(deleted=True)
        hidden = ArchivedSession.everything.exclude(pk__in=live).order_by("pk").first()
        ArchivedSession.everything.filter(pk=hidden.pk).update(deleted=True)
        with self.statements() as statements:
            store_for(ArchivedSession).clear_expired()
        self.assert_cleared_by_delete(statements)
        self.assertEqual(keys(ArchivedSession), live | {hidden.pk})


class EnginesWithoutModel(SimpleTestCase):
    """The mixin over an engine that has no table: the engine's own clear_expired is called."""

    def test_engine_clears(self):
        for engine in (cache_engine, file_engine):

            class SessionStore(SessionStoreMixin, engine.SessionStore):
                pass

            with self.subTest(engine.__name__), mock.patch.object(engine.SessionStore, "clear_expired") as clear:
                SessionStore.clear_expired()
                clear.assert_called_once_with()
