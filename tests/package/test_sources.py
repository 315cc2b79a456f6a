"""The tar file of the sources: what PGXN asks of it, and that it builds without git."""

import json
import os
import pathlib
import tarfile
import unittest

import jsonschema
from project import DIST, PG_CONFIG, ROOT, run, temporary_folder, version

NAME = f"raw_clear_sessions-{version()}"


def unpack(test):
    run("scripts/dist")
    folder = temporary_folder(test)
    with tarfile.open(DIST / f"{NAME}.tar.gz") as archive:
        archive.extractall(folder)
    return folder / NAME


class Sources(unittest.TestCase):
    def test_the_metadata_is_as_pgxn_wants_it(self):
        schema = json.loads((pathlib.Path(__file__).parent / "pgxn-meta-1.0.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        metadata = json.loads((ROOT / "META.json").read_text())
        validator.validate(metadata)
        with self.assertRaises(jsonschema.ValidationError):
            validator.validate({**metadata, "version": "0.1"})

    def test_the_metadata_is_of_this_version_and_names_files_that_are_there(self):
        metadata = json.loads((ROOT / "META.json").read_text())
        self.assertEqual(metadata["version"], version())
        extension = metadata["provides"][metadata["name"]]
        self.assertEqual(extension["version"], version())
        folder = unpack(self)
        for key in ("file", "docfile"):
            self.assertTrue((folder / extension[key]).is_file(), extension[key])

    def test_they_build_and_install_without_git(self):
        folder = unpack(self)
        self.assertFalse((folder / ".git").exists())
        # What cargo made of other crates is used again, and a cargo-pgrx that was installed for this checkout. But the
        # extension is to be compiled from this copy: to cargo, files that are not newer would be those that it knows.
        (folder / "src/lib.rs").touch()
        environment = {
            **os.environ,
            "CARGO_TARGET_DIR": str(ROOT / "target"),
            "PATH": f"{os.environ['PATH']}:{ROOT}/target/tools/bin",
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        }
        for name in ("MAKEFLAGS", "MAKELEVEL", "DESTDIR"):
            environment.pop(name, None)
        run("make", f"PG_CONFIG={PG_CONFIG}", cwd=folder, env=environment)
        run("make", "install", f"PG_CONFIG={PG_CONFIG}", f"DESTDIR={folder}/files", cwd=folder, env=environment)
        library = run(PG_CONFIG, "--pkglibdir").strip() + "/raw_clear_sessions.so"
        extension = run(PG_CONFIG, "--sharedir").strip() + "/extension/raw_clear_sessions"
        expected = {library, f"{extension}.control", f"{extension}--{version()}.sql"}
        installed = {str(path)[len(f"{folder}/files"):] for path in (folder / "files").rglob("*") if path.is_file()}
        self.assertEqual(installed, expected)
        control = (folder / f"files{extension}.control").read_text()
        self.assertIn(f"default_version = '{version()}'", control)

    def test_an_unpacked_copy_packs_the_same_tar_file(self):
        folder = unpack(self)
        run(folder / "scripts/dist", cwd=folder, env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)})
        name = f"{NAME}.tar.gz"
        self.assertEqual((folder / "target/dist" / name).read_bytes(), (DIST / name).read_bytes())
