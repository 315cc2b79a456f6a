"""Medians, spreads, ratios and percentiles. Pure arithmetic on what was measured."""

import math
from statistics import median

# A percentile that fewer values than this lie beyond is one value's chance.
BEYOND = 5
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def values(measurements: list[dict], way: str, figure: str) -> list[float]:
    """A way's figure in every round that has one."""
    return [m[figure] for m in measurements if m["way"] == way and m.get(figure) is not None]


def middle(measurements: list[dict], way: str, figure: str) -> float | None:
    """The median of the rounds; None where there is no figure."""
    found = values(measurements, way, figure)
    return median(found) if found else None


def spread(measurements: list[dict], way: str, figure: str) -> tuple[float, float] | None:
    """The least and the most."""
    found = values(measurements, way, figure)
    return (min(found), max(found)) if found else None


def interval(found: list[float]) -> tuple[float, float] | None:
    """The narrowest pair of values that holds the median with 95 % at least, whatever the distribution: by the number of
    values that fall below it, which is binomial. None where there are too few (five or less)."""
    ordered, number = sorted(found), len(found)
    outside, best = 2 * 0.5**number, None
    for rank in range(number // 2):
        if outside > 0.05:
            break
        best = ordered[rank], ordered[number - 1 - rank]
        outside += 2 * math.comb(number, rank + 1) * 0.5**number
    return best


def ratios(measurements: list[dict], way: str, against: str, figure: str) -> list[float]:
    """The rounds' own ratios, so that what a whole round suffers from is not in it."""
    by_round: dict[int, dict[str, list[float]]] = {}
    for m in measurements:
        if m["way"] in (way, against) and m.get(figure) is not None:
            by_round.setdefault(m["round"], {}).setdefault(m["way"], []).append(m[figure])
    return [median(found[way]) / median(found[against]) for found in by_round.values()
            if way in found and against in found and median(found[against])]


def ratio(measurements: list[dict], way: str, against: str, figure: str) -> float | None:
    """The median of the rounds' ratios."""
    found = ratios(measurements, way, against, figure)
    return median(found) if found else None


def percentile(ordered: list[float], fraction: float) -> float | None:
    """The nearest-rank percentile of sorted values; None where there are too few to have one."""
    if len(ordered) * (1 - fraction) < BEYOND - 1e-9:
        return None
    return ordered[max(math.ceil(len(ordered) * fraction) - 1, 0)]


def with_enough_samples(measurements: list[dict], name: str) -> list[dict]:
    """Those that have a percentile of this name by `BEYOND` samples beyond it."""
    return [m for m in measurements if m.get("samples", 0) * (1 - PERCENTILES[name]) >= BEYOND - 1e-9]


def p99_of_idle(measurements: list[dict], way: str) -> float | None:
    """The median of a way's p99 as a multiple of the idle site's: of what was measured right before it and right after
    it, where both were, else of the round's."""
    enough = with_enough_samples(measurements, "p99")
    found = [m["p99"] / m["p99_idle"] for m in enough if m["way"] == way and m.get("p99") and m.get("p99_idle")]
    return median(found) if found else ratio(enough, way, "idle", "p99")


def latencies(found: list[float]) -> dict:
    """The figures of a foreground."""
    ordered = sorted(found)
    result = {name: percentile(ordered, fraction) for name, fraction in PERCENTILES.items()}
    return {**result, "max": ordered[-1] if ordered else None, "samples": len(ordered)}
