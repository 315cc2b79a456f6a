"""What the project wants to reach, as ratios within one run where others on the machine change it, and whether it does."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import figures, text

MIB = 1 << 20
# Whose memory in the server must not grow with the rows. The rewrite sorts index entries, in maintenance_work_mem.
CONSTANT = ("function", "procedure", "worker", "worker_unlimited")
MEMORY_SCENARIOS = ("first_", "snapshot", "steady_")


@dataclass(frozen=True)
class Goal:
    """`most`: whether the limit is the most that is good, or the least. `show` makes what was measured readable."""

    what: str
    against: str
    most: bool
    limit: float
    show: Callable[[float | None], str]
    value: Callable[[dict], float | None]

    def is_met(self, value: float) -> bool:
        return value <= self.limit if self.most else value >= self.limit

    def wanted(self) -> str:
        """The limit, with no more digits than it has."""
        number = re.sub(r"\.(\d*?)0+(?!\d)", lambda m: f".{m[1]}" if m[1] else "", self.show(self.limit))
        return f"{'at most' if self.most else 'at least'} {number}"


def measurements(results: dict, scenario: str) -> list[dict]:
    return results["scenarios"].get(scenario, {}).get("measurements", [])


def ratio(scenario: str, way: str, against: str, figure: str = "seconds"):
    return lambda results: figures.ratio(measurements(results, scenario), way, against, figure)


def faster(scenario: str, way: str, against: str):
    """How many times faster."""
    return lambda results: figures.ratio(measurements(results, scenario), against, way, "seconds")


def worst(way: str, against: str, scenarios=("first_", "snapshot")):
    """The most time that the way takes against the other, of the scenarios whose names begin so: the first clean-ups."""
    def value(results: dict) -> float | None:
        found = [figures.ratio(measurements(results, name), way, against, "seconds")
                 for name in results["scenarios"] if name.startswith(scenarios)]
        return max((ratio for ratio in found if ratio is not None), default=None)
    return value


def least_faster(way: str, against: str, scenarios):
    """The same as how many times faster, at least."""
    def value(results: dict) -> float | None:
        found = worst(way, against, scenarios)(results)
        return None if found is None else 1 / found
    return value


def client_memory(results: dict) -> float | None:
    return figures.middle(measurements(results, "first_90"), "function", "client_bytes")


def server_memory(results: dict) -> float | None:
    """The most of any of them, anywhere."""
    found = [m["server_bytes"] for name in results["scenarios"] if name.startswith(MEMORY_SCENARIOS)
             for m in measurements(results, name) if m["way"] in CONSTANT and m.get("server_bytes") is not None]
    return max(found, default=None)


def steady_ratio(results: dict) -> float | None:
    """In the smallest table with an index."""
    tables = sorted((content["rows"], name) for name, content in results["scenarios"].items()
                    if name.startswith("steady_") and name != "steady_no_index")
    return ratio(tables[0][1], "function", "delete")(results) if tables else None


def growth(results: dict) -> float | None:
    """The time for a thousand rows of the largest table as a multiple of that of the smallest."""
    tables = sorted((content["rows"], name) for name, content in results["scenarios"].items()
                    if name.startswith("steady_") and name != "steady_no_index")
    if len(tables) < 2:
        return None
    least, most = (figures.middle(measurements(results, name), "function", "seconds")
                   for _, name in (tables[0], tables[-1]))
    return most / least if least and most else None


def many(key: str, figure: str, times: int = 1):
    """A figure of one of the sites of many tables."""
    def value(results: dict) -> float | None:
        sites = results["scenarios"].get("many", {}).get("sites", [])
        return next((site[figure] * times for site in sites if site["key"] == key and figure in site), None)
    return value


def cpu(value: float | None) -> str:
    return text.MINUS if value is None else text.milliseconds(value * 1e3)


GOALS = (
    Goal("function, 90 % expired", "time of `DELETE`", True, 0.80, text.times, ratio("first_90", "function", "delete")),
    Goal("function, the first clean-up in which it does worst", "time of `DELETE`", True, 0.80, text.times,
         worst("function", "delete")),
    Goal("function, 1,000 expired of the smallest table", "time of `DELETE`", True, 1.0, text.times, steady_ratio),
    Goal("function, 90 % expired", "times faster than Django with a signal connected", False, 50, text.times,
         faster("first_90", "function", "django_signals")),
    Goal("function, 90 % expired", "memory of the client", True, MIB, text.size, client_memory),
    Goal("procedure, 500 rows a commit, unlimited pace", "time of `DELETE`", True, 0.90, text.times,
         ratio("first_90", "procedure", "delete")),
    Goal("procedure, the first clean-up in which it does worst", "time of `DELETE`", True, 0.90, text.times,
         worst("procedure", "delete")),
    Goal("procedure, 500 rows a commit, unlimited pace", "times faster than `SKIP LOCKED`", False, 4, text.times,
         faster("first_90", "procedure", "skip_locked")),
    Goal("rewrite, 90 % expired", "times faster than `DELETE`, `VACUUM FULL`", False, 3, text.times,
         faster("first_90", "rewrite", "delete_vacuum_full")),
    Goal("rewrite, 90 % expired, the first clean-up in which it does worst", "times faster than `DELETE`, `VACUUM FULL`",
         False, 3, text.times, least_faster("rewrite", "delete_vacuum_full", "first_90")),
    Goal("rewrite, 99 % expired", "times faster than `DELETE`, `VACUUM FULL`", False, 6, text.times,
         faster("first_99", "rewrite", "delete_vacuum_full")),
    Goal("rewrite, 90 % expired", "WAL of `DELETE`, `VACUUM FULL`", True, 1 / 8, text.part,
         ratio("first_90", "rewrite", "delete_vacuum_full", "wal_bytes")),
    Goal("rewrite, 99 % expired", "WAL of `DELETE`, `VACUUM FULL`", True, 1 / 50, text.part,
         ratio("first_99", "rewrite", "delete_vacuum_full", "wal_bytes")),
    Goal("worker, default pace: p99 of renewals beside it", "p99 of renewals alone", True, 1.1, text.times,
         lambda results: figures.p99_of_idle(measurements(results, "latency"), "worker")),
    Goal("function, 1,000 expired of the largest table", "time for 1,000 of the smallest", True, 1.5, text.times,
         growth),
    Goal("function, procedure, worker", "memory above an idle backend", True, 10 * MIB, text.size, server_memory),
    Goal("worker, a run that finds nothing, 200 policies and a week of history", "processor time", True, 0.002, cpu,
         many("policies_200", "cpu_seconds")),
    Goal("worker, a run that finds nothing, 200 policies and a week of history", "WAL", True, 1024, text.size,
         many("policies_200", "wal_bytes")),
    Goal("worker, 3,000 policies, nothing to clear", "processor time", True, 6, text.seconds,
         many("policies_3000", "cpu_seconds", 3_000)),
    Goal("worker, 3,000 policies, nothing to clear", "memory of the worker", True, 20 * MIB, text.size,
         many("policies_3000", "memory_bytes")),
    Goal("worker, 1,000 schemas, nothing to clear", "time of a round", True, 5, text.seconds,
         many("tenants_1000", "round_seconds")),
    Goal("the view `status`, 200 policies and a week of history", "processor time", True, 0.05, cpu,
         many("policies_200", "status_cpu_seconds")),
    Goal("a scrape, 200 policies and a week of history", "processor time", True, 0.05, cpu,
         many("policies_200", "scrape_cpu_seconds")),
)


def judge(results: dict) -> list[tuple[Goal, float | None, str]]:
    """Each goal with what was measured, and whether that is met."""
    found = []
    for goal in GOALS:
        value = goal.value(results)
        verdict = "not measured" if value is None else "met" if goal.is_met(value) else "missed"
        found.append((goal, value, verdict))
    return found
