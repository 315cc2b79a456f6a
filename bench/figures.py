"""Medians, spreads, ratios and percentiles. Pure arithmetic on what was measured."""

import math
from statistics import median

# Percentiles by fewer values than this are one value's chance: the p-th of n needs n * (1 - p) of at least one.
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


def ratio(measurements: list[dict], way: str, against: str, figure: str) -> float | None:
    """The median of the rounds' own ratios, so that what a whole round suffers from is not in it."""
    by_round: dict[int, dict[str, list[float]]] = {}
    for m in measurements:
        if m["way"] in (way, against) and m.get(figure) is not None:
            by_round.setdefault(m["round"], {}).setdefault(m["way"], []).append(m[figure])
    ratios = [median(found[way]) / median(found[against]) for found in by_round.values()
              if way in found and against in found and median(found[against])]
    return median(ratios) if ratios else None


def percentile(ordered: list[float], fraction: float) -> float | None:
    """The nearest-rank percentile of sorted values; None where there are too few to have one."""
    if len(ordered) * (1 - fraction) < 1 - 1e-9:
        return None
    return ordered[max(math.ceil(len(ordered) * fraction) - 1, 0)]


def latencies(found: list[float]) -> dict:
    """The figures of a foreground."""
    ordered = sorted(found)
    result = {name: percentile(ordered, fraction) for name, fraction in PERCENTILES.items()}
    return {**result, "max": ordered[-1] if ordered else None, "samples": len(ordered)}
