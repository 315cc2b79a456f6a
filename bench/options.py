"""What the environment asks for."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"

FULL = {"rows": 1_000_000, "rounds": 10, "steady": [1_000_000, 10_000_000]}
QUICK = {"rows": 100_000, "rounds": 2, "steady": [100_000, 1_000_000]}


class BadOption(Exception):
    """A variable of the environment that says nothing sensible."""


def number(name: str, default: int, least: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise BadOption(f"{name}={text}: a number from {least} on")
    return int(text)


@dataclass(frozen=True)
class Options:
    """What to measure. Rows are those of a table before it is cleared."""

    rows: int
    rounds: int
    steady: tuple[int, ...]
    scenarios: tuple[str, ...]  # empty: all
    ways: tuple[str, ...]  # empty: all
    limit: int  # seconds that one measurement may take
    quick: bool

    @classmethod
    def from_environment(cls, quick: bool) -> "Options":
        preset = QUICK if quick else FULL
        steady = os.environ.get("BENCH_STEADY", "").split()
        if not all(size.isdecimal() and int(size) >= 10_000 for size in steady):
            raise BadOption("BENCH_STEADY: numbers of rows from 10000 on, with spaces between them")
        return cls(
            rows=number("BENCH_ROWS", preset["rows"], 10_000),
            rounds=number("BENCH_ROUNDS", preset["rounds"], 1),
            steady=tuple(sorted(map(int, steady))) or tuple(preset["steady"]),
            scenarios=tuple(os.environ.get("BENCH_SCENARIOS", "").split()),
            ways=tuple(os.environ.get("BENCH_WAYS", "").split()),
            limit=number("BENCH_LIMIT", 600, 1),
            quick=quick,
        )

    @property
    def name(self) -> str:
        """Names the folder of the run: what must be equal for results to belong together."""
        steady = "-".join(map(str, self.steady))
        return f"{'quick' if self.quick else 'full'}-{self.rows}x{self.rounds}-steady-{steady}"
