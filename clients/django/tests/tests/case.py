"""What the tests have in common: session engines, sessions, roles and a second connection."""

from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module

from django.contrib.sessions.backends import db
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_raw_clearsessions import SessionStoreMixin
from shop import models

LOGGER = "django_raw_clearsessions"
EXTENSION_SCHEMA = '"Sessions 100%"'


def store_of(engine):
    return import_module(engine).SessionStore


def store_for(model):
    """Django's database engine with the mixin and a model of its own."""

    class SessionStore(SessionStoreMixin, db.SessionStore):
        @classmethod
        def get_model_class(cls):
            return model

    return SessionStore


def run(sql, *arguments, using="default"):
    with connections[using].cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else None


def insert(model, live=2, expired=3, using="default", **fields):
    """Insert sessions; return the keys of the live ones."""
    now = timezone.now()
    ages = [timedelta(days=1 + number) for number in range(live)]
    ages += [timedelta(days=-1 - number) for number in range(expired)]
    rows = [
        model(session_key=f"{number:032}", session_data="", expire_date=now + age, **fields)
        for number, age in enumerate(ages)
    ]
    model._base_manager.using(using).bulk_create(rows)
    return {row.session_key for row in rows[:live]}


def keys(model, using="default"):
    return set(model._base_manager.using(using).values_list("pk", flat=True))


@contextmanager
def second_connection(alias="default"):
    connection = connections[alias].copy()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction_of(connection):
    """A transaction of another connection, rolled back in the end."""
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        try:
            yield cursor
        finally:
            connection.rollback()


class TestCase(TransactionTestCase):
    databases = {"default", "without_extension", "sqlite"}

    def setUp(self):
        cache.clear()
        for alias in ("default", "without_extension"):
            # Not in the search_path, where Django would find it to empty it.
            models.AccountSession.objects.using(alias).all().delete()

    @contextmanager
    def statements(self, using="default"):
        """Collect the statements in a list of strings."""
        collected = []
        with CaptureQueriesContext(connections[using]) as queries:
            yield collected
        collected += [query["sql"] for query in queries]

    @contextmanager
    def role(self, *grants, using="default"):
        """Go on as an ordinary role that may do what Django has to."""
        role = "ordinary"
        run(f"CREATE ROLE {role}", using=using)
        try:
            for grant in ("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public", *grants):
                run(f"GRANT {grant} TO {role}", using=using)
            run(f"SET ROLE {role}", using=using)
            yield role
        finally:
            run("RESET ROLE", using=using)
            run(f"DROP OWNED BY {role}", using=using)
            run(f"DROP ROLE {role}", using=using)

    def assert_cleared_by_extension(self, statements, call="SELECT"):
        calls = [sql for sql in statements if f"{call} {EXTENSION_SCHEMA}.raw_clear_sessions" in sql]
        self.assertEqual(len(calls), 1, statements)
        self.assertFalse([sql for sql in statements if sql.startswith("DELETE")])

    def assert_cleared_by_delete(self, statements):
        deletes = [sql for sql in statements if sql.startswith("DELETE")]
        self.assertEqual(len(deletes), 1, statements)
