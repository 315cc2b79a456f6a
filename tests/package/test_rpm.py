"""The RPM package: built with rpmbuild and installed with rpm into a root of its own, which has a copy of PostgreSQL's files.
That PostgreSQL is Debian's here, under other paths than in PostgreSQL's yum repository, for which `PG_CONFIG` stands."""

import os
import unittest

from project import DIST, PG_MAJOR, run, version
from test_debian import SESSIONS, Machine, is_debians

NAME = f"raw_clear_sessions_{PG_MAJOR}"


def build():
    run("scripts/package-rpm", 1)
    return DIST / f"{NAME}-{version()}-1.{os.uname().machine}.rpm"


@unittest.skipUnless(is_debians() and os.getuid() == 0, "rpm installs into another root for root only")
class RpmPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.package = build()

    def setUp(self):
        self.machine = Machine(self)

    def rpm(self, *arguments):
        return run("rpm", f"--root={self.machine.root}", *arguments)

    def install(self):
        # Its dependency is not in rpm's list of packages: the server is Debian's.
        self.rpm("--install", "--nodeps", self.package)

    def test_the_same_sources_give_the_same_package(self):
        first = self.package.read_bytes()
        self.assertEqual(build().read_bytes(), first)

    def test_it_depends_on_the_server_of_the_yum_repository(self):
        with self.assertRaisesRegex(AssertionError, f"postgresql{PG_MAJOR}-server is needed by {NAME}"):
            self.rpm("--install", self.package)

    def test_the_extension_works_once_installed_and_is_gone_once_removed(self):
        self.install()
        files = [line for line in self.rpm("--query", "--list", NAME).splitlines() if line.startswith("/")]
        self.assertIn(f"/usr/share/{NAME}/monitoring/queries.yml", files)
        self.assertEqual([file for file in files if not (self.machine.root / file[1:]).is_file()], [])
        deleted, *_ = self.machine.psql(
            f"{SESSIONS} CREATE EXTENSION raw_clear_sessions; SELECT raw_clear_sessions('django_session');"
        )
        self.assertEqual(deleted, "90")
        self.rpm("--erase", NAME)
        self.assertEqual([file for file in files if (self.machine.root / file[1:]).exists()], [])
