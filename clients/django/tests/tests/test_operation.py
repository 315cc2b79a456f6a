"""RawClearSessionsExtension in migrations, forwards and backwards."""

import subprocess
import sys

from django.core.management import call_command
from django.db import connections
from django.db.migrations.writer import OperationWriter
from django.test import SimpleTestCase

from django_raw_clearsessions.operations import RawClearSessionsExtension
from tests.case import EXTENSION_SCHEMA, TestCase, run


class UnknownExtension(RawClearSessionsExtension):
    name = "no such extension"


def schema_of_extension(using="without_extension"):
    rows = run(
        "SELECT nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace"
        " WHERE extname = 'raw_clear_sessions'",
        using=using,
    )
    return rows[0][0] if rows else None


class Operation(TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(run, "DROP EXTENSION IF EXISTS raw_clear_sessions", using="without_extension")

    def forwards(self, operation, using="without_extension"):
        with connections[using].schema_editor() as editor:
            operation.database_forwards("shop", editor, None, None)

    def backwards(self, operation, using="without_extension"):
        with connections[using].schema_editor() as editor:
            operation.database_backwards("shop", editor, None, None)

    def test_creates_and_drops_the_extension(self):
        self.forwards(RawClearSessionsExtension())
        self.assertEqual(schema_of_extension(), "public")
        self.backwards(RawClearSessionsExtension())
        self.assertIsNone(schema_of_extension())

    def test_creates_it_in_the_schema_given(self):
        self.forwards(RawClearSessionsExtension(schema="side"))
        self.assertEqual(schema_of_extension(), "side")

    def test_is_content_with_one_that_exists(self):
        with self.role():  # which could not create it
            self.forwards(RawClearSessionsExtension(), using="default")

    def test_asks_the_routers_with_the_hints(self):
        operation = RawClearSessionsExtension(hints={"extension": True})
        self.forwards(operation)
        self.assertIsNone(schema_of_extension())
        self.forwards(RawClearSessionsExtension())
        self.backwards(operation)
        self.assertEqual(schema_of_extension(), "public")

    def test_does_nothing_in_sqlite(self):
        with self.statements(using="sqlite") as statements:
            self.forwards(RawClearSessionsExtension(), using="sqlite")
            self.backwards(RawClearSessionsExtension(), using="sqlite")
        self.assertFalse([sql for sql in statements if "EXTENSION" in sql])

    def test_fails_where_the_server_does_not_have_it_unless_told_otherwise(self):
        with self.assertRaisesMessage(Exception, "no such extension"):
            self.forwards(UnknownExtension())
        self.forwards(UnknownExtension(if_available=True))
        self.forwards(RawClearSessionsExtension(if_available=True))
        self.assertEqual(schema_of_extension(), "public")


class Migrations(TestCase):
    def test_migrate_goes_back_and_forth(self):
        for using in ("default", "sqlite", "without_extension"):
            with self.subTest(using):
                call_command("migrate", "shop", "0001", database=using, verbosity=0)
                if using == "default":
                    self.assertIsNone(schema_of_extension(using))
                call_command("migrate", "shop", database=using, verbosity=0)
                if using == "default":
                    self.assertEqual(schema_of_extension(using), EXTENSION_SCHEMA.strip('"'))


class Description(SimpleTestCase):
    def test_can_be_written_into_a_migration(self):
        operation = RawClearSessionsExtension(schema="side", if_available=True)
        text, imports = OperationWriter(operation, indentation=0).serialize()
        self.assertEqual(imports, {"import django_raw_clearsessions.operations"})
        self.assertEqual(
            "".join(text.split()),
            "django_raw_clearsessions.operations.RawClearSessionsExtension(schema='side',if_available=True,),",
        )

    def test_names_itself(self):
        operation = RawClearSessionsExtension()
        self.assertEqual(operation.describe(), "Creates extension raw_clear_sessions")
        self.assertEqual(operation.migration_name_fragment, "create_extension_raw_clear_sessions")

    def test_can_be_imported_without_a_driver_for_postgresql(self):
        code = (
            "import sys; sys.modules['psycopg'] = sys.modules['psycopg2'] = None;"
            "import django_raw_clearsessions, django_raw_clearsessions.operations, django_raw_clearsessions.checks"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
