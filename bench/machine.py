"""Where it was measured: the machine and the versions."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from .options import ROOT
from .server import memory_bytes

PYTHON_PACKAGES = {"django": "Django", "django_raw_clearsessions": "django-raw-clearsessions", "psycopg": "psycopg"}


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return re.sub(r"\s+", " ", line.split(":", 1)[1].strip())
    return platform.machine()


def file_system(folder: Path) -> str:
    """The file system that the servers' folder is in: its type, how it is mounted, and whether ext4 has no journal."""
    command = ["findmnt", "--noheadings", "--output=SOURCE,FSTYPE,OPTIONS", f"--target={folder}"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        output = ""
    if not output:
        return "unknown"
    source, kind, options = output.split()[:3]
    journals = Path("/proc/fs/jbd2").glob(f"{Path(source).name}-*")
    return f"{kind}{'' if kind != 'ext4' or any(journals) else ' without a journal'} ({options})"


def system() -> str:
    names = dict(re.findall(r'^(\w+)="?(.*?)"?$', Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE))
    return names.get("PRETTY_NAME", "Linux")


def describe(folder: Path) -> dict:
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": memory_bytes(),
        "file_system": file_system(folder),
        "system": system(),
        "kernel": platform.release(),
    }


def versions(server) -> dict:
    """Of everything that is compared, by package; a peer that is not here is not in it."""
    with server.connect() as session:
        found = {"postgresql": session.execute("SHOW server_version").fetchone()[0].split()[0]}
        query = "SELECT name, default_version FROM pg_available_extensions WHERE name = ANY (%s)"
        found |= dict(session.execute(query, (["raw_clear_sessions", "pg_cron", "pg_repack"],)).fetchall())
    for key, package in PYTHON_PACKAGES.items():
        found[key] = importlib.metadata.version(package)
    found["python"] = platform.python_version()
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return found | ({"commit": commit} if commit else {})
