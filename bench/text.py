"""Figures as people read them."""

MINUS = "–"  # where there is no figure


def digits(value: float) -> str:
    """Three significant digits, with commas between thousands: 0.0412, 0.412, 4.12, 41.2, 412, 4,120."""
    if value >= 100:
        return f"{value:,.0f}"
    for places, least in ((1, 9.995), (2, 0.9995), (3, 0.09995)):
        if value >= least:
            return f"{value:.{places}f}"
    return f"{value:.4f}" if value else "0"


def seconds(value: float | None) -> str:
    return MINUS if value is None else f"{digits(value)} s"


def milliseconds(value: float | None) -> str:
    return MINUS if value is None else f"{digits(value)} ms"


def size(value: float | None) -> str:
    """As pg_size_pretty, which counts by 1024 too."""
    if value is None:
        return MINUS
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        # Megabytes have four digits before they become gigabytes.
        if abs(value) < (10_000 if unit == "MB" else 1000):
            break
        value, unit = value / 1024, larger
    return f"{value:,.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def count(value: float | None) -> str:
    return MINUS if value is None else f"{value:,.0f}"


def times(value: float | None) -> str:
    return MINUS if value is None else f"{digits(value)}×"


def part(value: float | None) -> str:
    """A ratio below one that says how many times less: 1/8.1."""
    return MINUS if not value else f"1/{digits(1 / value)}"
