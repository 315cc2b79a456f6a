"""What the README shows works as it is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase as UnitTestCase

from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from shop.models import AccountSession
from tests.case import TestCase, insert, keys

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT.parent / "README.md").read_text()
SETTINGS = re.findall(r"^(?:SESSION_ENGINE|RAW_CLEAR_SESSIONS_IN_BATCHES) = .*$", README, re.MULTILINE)


class Usage(TestCase):
    def test_clearsessions_with_each_of_the_settings(self):
        self.assertEqual(len(SETTINGS), 4)
        for line in SETTINGS:
            settings = {}
            exec(line, settings)
            del settings["__builtins__"]
            model = AccountSession if "mybackend" in line else Session
            with self.subTest(line), override_settings(**settings):
                model.objects.all().delete()
                live = insert(model)
                call_command("clearsessions")
                self.assertEqual(keys(model), live)

    def test_clearsessions_from_a_shell(self):
        live = insert(Session)
        with TemporaryDirectory() as folder:
            Path(folder, "readme_settings.py").write_text(f"from project.settings import *\n{SETTINGS[0]}\n")
            environment = {
                **os.environ,
                "PYTHONPATH": os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])]),
                "DJANGO_SETTINGS_MODULE": "readme_settings",
                "SHOP_DATABASE": connections["default"].settings_dict["NAME"],
            }
            subprocess.run([sys.executable, "manage.py", "clearsessions"], cwd=PROJECT, env=environment, check=True)
        self.assertEqual(keys(Session), live)


class Code(UnitTestCase):
    def test_the_tests_engine_is_the_readmes(self):
        self.assertIn((PROJECT / "mybackend.py").read_text(), README)

    def test_every_message_of_the_checks_is_listed(self):
        from django_raw_clearsessions import checks

        source = Path(checks.__file__).read_text()
        numbers = set(re.findall(r'id=f"\{LABEL\}\.(\w\d+)"', source))
        self.assertEqual(set(re.findall(r"^\| `django_raw_clearsessions\.(\w\d+)`", README, re.MULTILINE)), numbers)
        self.assertEqual(len(numbers), 6)
