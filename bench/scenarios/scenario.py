"""A scenario."""

from collections.abc import Callable
from dataclasses import dataclass

from ..table import Table


@dataclass(frozen=True)
class Scenario:
    """`measure` takes the Bench and returns what goes into the results beside the title: at least `measurements`."""

    key: str
    title: str
    tables: tuple[Table, ...]
    measure: Callable
