"""Schema tools that bring a database to an application's models, or drop all that is in it, beside the extension: nothing of
the extension's is planned to be dropped or altered, none of them fails, and the extension works afterwards."""

import os
import shutil
import sys
import unittest

from case import HERE, TARGET, Case, Program
from test_php import INSTALLED as LARAVEL_INSTALLED

# All that belongs to the extension, each with what it is now.
MEMBERS = """
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'raw_clear_sessions') ORDER BY 1
"""
NODE = ["node", f"{TARGET}/node/tools.mjs"]
PYTHON = [sys.executable, os.path.join(HERE, "python", "tools.py")]
LARAVEL = ["php", os.path.join(HERE, "php", "main.php"), "laravel/drop-all"]
RAILS = ["ruby", os.path.join(HERE, "schema_dump.rb")]


class SchemaTools(Case):
    def setUp(self):
        super().setUp()
        self.connection.execute("""SELECT raw_clear_sessions_schedule('application.certificate', expires => 'not_after')""")
        self.members = self.connection.execute(MEMBERS).fetchall()
        self.assertGreater(len(self.members), 20)

    def plan(self, *command):
        """What the tool planned, as text."""
        with Program(command, self.database) as program:
            return "\n".join(program.says()["plan"])

    def is_untouched(self):
        self.assertEqual(self.members, self.connection.execute(MEMBERS).fetchall())
        self.assertEqual(1, self.one("SELECT count(*) FROM raw_clear_sessions.policy"))
        self.assertEqual(1, self.one("SELECT count(*) FROM raw_clear_sessions.status"))
        self.assertEqual(1, self.one("SELECT raw_clear_sessions('application.certificate', expires => 'not_after')"))

    def leaves_alone(self, *command, makes=()):
        plan = self.plan(*command)
        self.assertNotIn("raw_clear", plan)
        self.assertEqual(set(), set(makes) - set(self.tables()))
        self.is_untouched()

    def test_drizzle_kit_push(self):
        self.leaves_alone(*NODE, "drizzle-kit", makes=["session"])

    def test_drizzle_push_as_payload_does(self):
        self.leaves_alone(*NODE, "drizzle-api", makes=["session"])

    def test_typeorm_synchronize(self):
        self.leaves_alone(*NODE, "typeorm", makes=["session"])

    def test_typeorm_drop_schema(self):
        self.connection.execute("CREATE TABLE session (id text)")
        self.leaves_alone(*NODE, "typeorm-drop")
        self.assertNotIn("session", self.tables())

    def test_mikro_orm_update(self):
        self.leaves_alone(*NODE, "mikro-orm", makes=["session"])

    def test_mikro_orm_drop(self):
        self.leaves_alone(*NODE, "mikro-orm-drop")

    def test_mikro_orm_that_is_not_told_fails_and_drops_nothing(self):
        plan = self.plan(*NODE, "mikro-orm-untold")
        self.assertIn('drop schema if exists "raw_clear_sessions"', plan)
        self.assertTrue(plan.endswith("2BP01"), plan)
        self.is_untouched()

    def test_sequelize_sync(self):
        self.leaves_alone(*NODE, "sequelize", makes=['"Sessions"'])

    def test_sequelize_drop(self):
        self.connection.execute("CREATE TABLE session (id text)")
        self.leaves_alone(*NODE, "sequelize-drop")
        self.assertNotIn("session", self.tables())

    def test_alembic_autogenerate(self):
        self.connection.execute("CREATE TABLE old (id text)")
        plan = self.plan(*PYTHON)
        self.assertIn("drop_table('old')", plan)
        self.assertNotIn("raw_clear", plan)
        self.is_untouched()

    @unittest.skipUnless(LARAVEL_INSTALLED, "Laravel is not a package here")
    def test_laravel_migrate_fresh(self):
        self.connection.execute("CREATE TABLE sessions (id text); CREATE VIEW ids AS SELECT id FROM sessions")
        plan = self.plan(*LARAVEL)
        self.assertRegex(plan, r'drop table ("public"\.)?"sessions" cascade')
        self.assertNotIn("raw_clear", plan)
        self.is_untouched()

    @unittest.skipUnless(shutil.which("ruby") and os.path.exists("/usr/share/doc/ruby-activerecord"), "Rails is not a package here")
    def test_rails_schema_dump(self):
        self.connection.execute("CREATE TABLE sessions (id bigserial PRIMARY KEY, session_id text)")
        dump = self.plan(*RAILS)
        self.assertIn('create_table "sessions"', dump)
        # Whoever loads the schema gets the extension. Newer releases make its schema first (regress/extension).
        self.assertEqual(['enable_extension "raw_clear_sessions"'],
                         [line.strip() for line in dump.splitlines()
                          if "raw_clear" in line and line.strip() != 'create_schema "raw_clear_sessions"'])
        self.assertNotIn("Could not dump", dump)
        self.is_untouched()
