"""The package that is tested is the one that users install."""

import re
from importlib import metadata
from pathlib import Path
from unittest import TestCase, skipUnless

import django_raw_clearsessions

CARGO_TOML = Path(__file__).resolve().parent / "../../../../Cargo.toml"


class Package(TestCase):
    def test_is_installed_from_the_wheel_and_typed(self):
        files = {str(file) for file in metadata.files("raw-clear-sessions-django")}
        self.assertIn("django_raw_clearsessions/py.typed", files)
        self.assertFalse([file for file in files if not file.startswith(("django_raw_", "raw_clear_sessions_django-"))])
        installed = metadata.distribution("raw-clear-sessions-django").locate_file("django_raw_clearsessions")
        self.assertEqual(Path(django_raw_clearsessions.__file__).parent, Path(installed))

    @skipUnless(CARGO_TOML.exists(), "not in a checkout")
    def test_has_the_version_of_the_extension(self):
        version = re.search(r'^version = "(.*)"', CARGO_TOML.read_text(), re.MULTILINE).group(1)
        self.assertEqual(metadata.version("raw-clear-sessions-django"), version)
