"""The Debian package: installed with dpkg into a root of its own, which has a copy of PostgreSQL's files and this machine's
list of installed packages. Nothing is installed into this machine."""

import os
import re
import shutil
import subprocess
import unittest

from project import DIST, PG_CONFIG, PG_MAJOR, ROOT, run, temporary_folder, version

NAME = f"postgresql-{PG_MAJOR}-raw-clear-sessions"
STAGE = ROOT / "target/stage" / PG_MAJOR
AS_ROOT = [] if os.getuid() == 0 else ["fakeroot"]

SESSIONS = """
CREATE TABLE django_session (session_key text PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session SELECT n, '', now() + n * interval '1 minute' FROM generate_series(-90, 10) AS n WHERE n <> 0;
"""


def build(revision):
    run("scripts/package-deb", revision)
    architecture = run("dpkg", "--print-architecture").strip()
    return DIST / f"{NAME}_{version()}-{revision}_{architecture}.deb"


def is_debians():
    """Whether this PostgreSQL is one of Debian's packages."""
    bindir = run(PG_CONFIG, "--bindir").strip()
    return shutil.which("dpkg-query") and not subprocess.call(
        ["dpkg-query", "-S", f"{bindir}/pg_config"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


class Machine:
    """A root with PostgreSQL in it."""

    def __init__(self, test):
        self.root = temporary_folder(test)
        run("cp", "-a", f"{STAGE}/.", self.root)
        (self.root / "made-of").unlink()
        for file in [*self.root.rglob("raw_clear_sessions*")]:
            file.unlink()
        self.admin = self.root / "var/lib/dpkg"
        for folder in ("info", "updates", "triggers"):
            (self.admin / folder).mkdir(parents=True)
        shutil.copy("/var/lib/dpkg/status", self.admin)
        self.before = self.files()
        self.bindir = f"{self.root}{run(PG_CONFIG, '--bindir').strip()}"

    def dpkg(self, *arguments):
        return run(*AS_ROOT, "dpkg", f"--root={self.root}", "--log=/dev/null", *arguments)

    def install(self, package):
        return self.dpkg("--install", package)

    def files(self):
        """Everything but dpkg's own files."""
        return {path for path in self.root.rglob("*") if self.admin not in path.parents}

    def forget(self, package):
        """Makes dpkg believe that a package is not installed."""
        status = self.admin / "status"
        entries = status.read_text().split("\n\n")
        kept = [entry for entry in entries if not entry.startswith(f"Package: {package}\n")]
        assert len(kept) == len(entries) - 1
        status.write_text("\n\n".join(kept))

    def psql(self, script, *settings):
        """What psql, beside a server from this root, makes of a script."""
        command = ["scripts/cluster", *settings, "--", "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        environment = {**os.environ, "CLUSTER_BINDIR": self.bindir}
        return run(*command, env=environment, input=script).split("\n")


@unittest.skipUnless(is_debians(), "PostgreSQL is not a Debian package here")
class DebianPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.package = build(1)

    def test_lintian_finds_no_error_and_no_warning(self):
        root = ["--allow-root"] if os.getuid() == 0 else []
        run("lintian", *root, "--fail-on", "error,warning", self.package)

    def test_the_same_sources_give_the_same_package(self):
        first = self.package.read_bytes()
        self.assertEqual(build(1).read_bytes(), first)

    def test_it_depends_on_the_postgresql_that_it_is_for(self):
        machine = Machine(self)
        machine.forget(f"postgresql-{PG_MAJOR}")
        with self.assertRaisesRegex(AssertionError, f"depends on postgresql-{PG_MAJOR}"):
            machine.install(self.package)

    def test_the_extension_works_once_installed(self):
        machine = Machine(self)
        machine.install(self.package)
        script = f"""
            {SESSIONS}
            CREATE EXTENSION raw_clear_sessions;
            SELECT raw_clear_sessions('django_session');
            SELECT note FROM raw_clear_sessions.status;
            DROP EXTENSION raw_clear_sessions;
        """
        settings = (
            "shared_preload_libraries=raw_clear_sessions",
            "raw_clear_sessions.databases=postgres",
            "raw_clear_sessions.tables=django_session",
            "raw_clear_sessions.paused=on",
        )
        deleted, note, *_ = machine.psql(script, *settings)
        self.assertEqual(deleted, "90")
        self.assertIn("the worker is paused", note)

    def test_files_are_where_the_documents_say_and_documents_can_be_followed(self):
        machine = Machine(self)
        machine.install(self.package)
        queries = f"/usr/share/{NAME}/monitoring/queries.yml"
        self.assertTrue((machine.root / queries[1:]).is_file())
        document = (machine.root / f"usr/share/doc/{NAME}/docs/monitoring.md").read_text()
        self.assertIn(re.sub(r"-[0-9]+-", "-NN-", f"/usr/share/{NAME}/"), document)
        for file in (machine.root / f"usr/share/doc/{NAME}").rglob("*.md"):
            for link in re.findall(r"\]\(([^)#:]+\.md)", file.read_text()):
                # Debian has a place of its own for it: changelog.gz.
                if not link.endswith("CHANGELOG.md"):
                    self.assertTrue((file.parent / link).is_file(), f"{file}: {link}")

    def test_removal_leaves_nothing(self):
        machine = Machine(self)
        machine.install(self.package)
        self.assertNotEqual(machine.files(), machine.before)
        machine.dpkg("--purge", NAME)
        self.assertEqual(machine.files(), machine.before)
        self.assertNotIn(NAME, (machine.admin / "status").read_text())

    def test_an_upgrade_leaves_a_running_server_alone(self):
        machine = Machine(self)
        machine.install(self.package)
        newer = build(2)
        self.addCleanup(newer.unlink)
        # The library is removed from under the session that has it loaded, and the next one loads the new.
        upgrade = " ".join([*AS_ROOT, f"dpkg --root={machine.root} --log=/dev/null --install {newer} >/dev/null 2>&1"])
        script = f"""
            {SESSIONS}
            CREATE EXTENSION raw_clear_sessions;
            SELECT raw_clear_sessions('django_session');
            \\! {upgrade} && echo upgraded
            UPDATE django_session SET expire_date = now() - interval '1 second';
            SELECT raw_clear_sessions('django_session');
            \\c
            SELECT raw_clear_sessions('django_session');
        """
        output = machine.psql(script, "shared_preload_libraries=raw_clear_sessions")
        self.assertEqual([line for line in output if line and "connected" not in line], ["90", "upgraded", "10", "0"])
