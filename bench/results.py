"""What is kept: a file for each scenario while a run lasts, so that an interrupted one goes on where it was; one file
at the end."""

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

from .options import TARGET, Options

FORMAT = 1


def write(path: Path, content: dict):
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(path)


def read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def rounded(content):
    """Floating-point numbers with as many digits as a clock has."""
    if isinstance(content, float):
        return round(content, 6)
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return content


def with_scenario(results: dict, key: str, content: dict) -> dict:
    """The results with this scenario, which tells its own date and commit, in the place of the one that is there."""
    return {**results, "scenarios": {**results["scenarios"], key: content}}


class Store:
    """The run that is going on. Another library, machine or version begins another one."""

    def __init__(self, options: Options, library: Path, about: dict):
        self.options = options
        self.folder = TARGET / "bench" / options.name
        self.about = about
        # The library is what is measured, whatever else a commit has changed.
        versions = {key: value for key, value in about["versions"].items() if key != "commit"}
        identity = {**about, "versions": versions, "library": hashlib.sha256(library.read_bytes()).hexdigest()}
        if read(self.folder / "identity.json") != identity:
            shutil.rmtree(self.folder, ignore_errors=True)
            write(self.folder / "identity.json", identity)

    def get(self, scenario: str) -> dict | None:
        return read(self.folder / f"{scenario}.json")

    def put(self, scenario: str, content: dict):
        measured = {"date": date.today().isoformat(), "commit": self.about["versions"].get("commit", "unknown")}
        write(self.folder / f"{scenario}.json", rounded({**content, **measured}))

    def all(self, scenarios: list[str]) -> dict:
        """The results, with those of the scenarios that are there."""
        measured = {name: content for name in scenarios if (content := self.get(name))}
        return {
            "format": FORMAT,
            "date": date.today().isoformat(),
            **self.about,
            "rows": self.options.rows,
            "rounds": self.options.rounds,
            "scenarios": measured,
        }

    def forget(self):
        """The run is over: the next one measures anew. Its report stays."""
        for file in self.folder.glob("*.json"):
            file.unlink()
