"""Where things are, and how to run them."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
DIST = ROOT / "target/dist"
PG_CONFIG = os.environ["PG_CONFIG"]
PG_MAJOR = os.environ["PG_MAJOR"]


def run(*command, **options):
    """Runs a command and returns what it wrote, to either; fails with that where the command fails."""
    options = {"cwd": ROOT, "input": "", **options}
    result = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if result.returncode:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def version():
    """The version that Cargo.toml gives."""
    lines = (ROOT / "Cargo.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))


def temporary_folder(test):
    """A folder that the servers' user may enter too, for as long as the test."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rcs."))
    folder.chmod(0o755)
    test.addCleanup(shutil.rmtree, folder)
    return folder
