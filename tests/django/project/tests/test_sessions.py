"""The rows that remain are those that Django's own clearsessions leaves, whatever wrote them.

Every class below runs the same tests: one for each session engine, with and without USE_TZ.
"""

from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from unittest import mock

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings
from django.utils import timezone


def run(sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall()


def raw_clear_sessions(table):
    return run("SELECT raw_clear_sessions(%s)", table)[0][0]


def rows(table):
    return set(run(f'SELECT * FROM "{table}"'))


@contextmanager
def long_ago(age):
    """What is written inside is written as if at that time."""
    with mock.patch("django.utils.timezone.now", return_value=timezone.now() - age):
        yield


class SessionTests:
    table = "django_session"

    def setUp(self):
        cache.clear()
        self.store = import_module(settings.SESSION_ENGINE).SessionStore

    def write(self, expiry=None, age=timedelta(0)):
        """Writes a session with set_expiry(expiry), at a time that long ago, and returns its key."""
        with long_ago(age):
            session = self.store()
            session["account_id"] = 42
            if expiry is not None:
                session.set_expiry(expiry)
            session.create()
        return session.session_key

    def write_expiring_at(self, expire_date):
        key = self.write()
        self.store.get_model_class().objects.filter(pk=key).update(expire_date=expire_date)
        return key

    def write_all_kinds(self):
        """Sessions of every kind that Django can write; returns the keys of the live and of the expired ones."""
        now = timezone.now()
        live = [
            self.write(),
            self.write(age=timedelta(days=13)),
            self.write(expiry=3600),
            self.write(expiry=0),  # until the browser closes; the row lives as long as by default
            self.write(expiry=0, age=timedelta(days=13)),
            self.write(expiry=timedelta(days=365)),
            self.write(expiry=now + timedelta(minutes=10)),
            self.write_expiring_at(now + timedelta(minutes=1)),
        ]
        expired = [
            self.write(age=timedelta(days=14, seconds=1)),
            self.write(age=timedelta(days=400)),
            self.write(expiry=-1),
            self.write(expiry=3600, age=timedelta(hours=1, seconds=1)),
            self.write(expiry=0, age=timedelta(days=15)),
            self.write(expiry=timedelta(days=-365)),
            self.write(expiry=now - timedelta(minutes=10)),
            self.write_expiring_at(now - timedelta(microseconds=1)),
            self.write_expiring_at(now),
        ]
        return live, expired

    def remaining_after(self, clear):
        """The table's rows after clear(), which is then undone: both cleaners are given the same rows."""
        with transaction.atomic():
            clear()
            remaining = rows(self.table)
            transaction.set_rollback(True)
        return remaining

    def test_same_rows_remain_as_after_clearsessions(self):
        live, _ = self.write_all_kinds()
        ours = self.remaining_after(lambda: raw_clear_sessions(self.table))
        djangos = self.remaining_after(lambda: call_command("clearsessions"))
        self.assertEqual(ours, djangos)
        self.assertEqual(len(ours), len(live))

    def test_expired_sessions_are_gone_and_counted(self):
        _, expired = self.write_all_kinds()
        self.assertEqual(raw_clear_sessions(self.table), len(expired))
        model = self.store.get_model_class()
        self.assertFalse(model.objects.filter(pk__in=expired).exists())
        self.assertEqual(raw_clear_sessions(self.table), 0)

    def test_live_sessions_can_be_read_and_saved(self):
        live, _ = self.write_all_kinds()
        raw_clear_sessions(self.table)
        cache.clear()
        for key in live:
            session = self.store(session_key=key)
            self.assertEqual(session["account_id"], 42)
            session["seen"] = True
            session.save()
            self.assertEqual(session.session_key, key)

    def test_session_renewed_after_it_expired_is_kept(self):
        with long_ago(timedelta(days=20)):
            session = self.store()
            session.create()
        session["account_id"] = 43  # by a request that had read it in time
        session.save()
        self.assertEqual(raw_clear_sessions(self.table), 0)
        cache.clear()
        self.assertEqual(self.store(session_key=session.session_key)["account_id"], 43)

    def test_nothing_is_deleted_from_an_empty_table(self):
        self.assertEqual(raw_clear_sessions(self.table), 0)


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.db")
class DatabaseEngine(SessionTests, TransactionTestCase):
    pass


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.db", USE_TZ=False)
class DatabaseEngineWithoutTimeZones(SessionTests, TransactionTestCase):
    pass


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cached_db")
class CachedDatabaseEngine(SessionTests, TransactionTestCase):
    pass


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cached_db", USE_TZ=False)
class CachedDatabaseEngineWithoutTimeZones(SessionTests, TransactionTestCase):
    pass


@override_settings(SESSION_ENGINE="accounts.sessions")
class CustomSessionModel(SessionTests, TransactionTestCase):
    table = "accounts_accountsession"


@override_settings(SESSION_ENGINE="accounts.sessions", USE_TZ=False)
class CustomSessionModelWithoutTimeZones(SessionTests, TransactionTestCase):
    table = "accounts_accountsession"
