"""The documents' pictures, each for a light and for a dark background."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
# pylint: disable=wrong-import-position
from matplotlib import pyplot, ticker  # noqa: E402

from . import figures, text  # noqa: E402
from .labels import LABELS, OURS  # noqa: E402

THEMES = {
    "light": {"back": "#ffffff", "ink": "#1f2328", "faint": "#d1d9e0", "ours": "#1a66c2", "peer": "#9aa4af"},
    "dark": {"back": "#0d1117", "ink": "#e6edf3", "faint": "#30363d", "ours": "#58a6ff", "peer": "#6e7781"},
}
LINES = {  # apart by shape too, not by colour alone
    "django_signals": ("#d1495b", "s"), "django": ("#9a7d0a", "v"), "delete": ("#7a828b", "o"),
    "skip_locked": ("#8e5bb5", "D"), "function": ("ours", "o"), "procedure": ("ours", "^"),
    "worker_unlimited": ("ours", "x"),
}


def style(theme: dict) -> dict:
    return {
        "figure.facecolor": theme["back"], "axes.facecolor": theme["back"], "savefig.facecolor": theme["back"],
        "text.color": theme["ink"], "axes.labelcolor": theme["ink"], "axes.titlecolor": theme["ink"],
        "xtick.color": theme["ink"], "ytick.color": theme["ink"], "axes.edgecolor": theme["faint"],
        "grid.color": theme["faint"], "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False,
        "axes.spines.right": False, "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold",
        "axes.titlelocation": "left", "legend.frameon": False, "font.family": "DejaVu Sans",
        # Equal results make equal files.
        "svg.hashsalt": "raw_clear_sessions",
    }


def named(axes, ways: list[str]):
    """The ways along the vertical axis, the first one on top."""
    axes.set_yticks(range(len(ways)), ["nothing beside it" if way == "idle" else LABELS[way] for way in ways])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    for label, way in zip(axes.get_yticklabels(), ways):
        label.set_fontweight("bold" if way in OURS else "normal")


def bars(axes, measurements, ways, figure, show, theme, scale=1.0, log=False):
    """A bar for each way's median, a line over the rounds' spread, the figure behind it."""
    middles = [figures.middle(measurements, way, figure) for way in ways]
    colours = [theme["ours" if way in OURS else "peer"] for way in ways]
    axes.barh(range(len(ways)), [(middle or 0) * scale for middle in middles], color=colours, height=0.68)
    for place, (way, middle) in enumerate(zip(ways, middles)):
        if middle is None:
            continue
        least, most = figures.spread(measurements, way, figure)
        axes.plot([least * scale, most * scale], [place, place], color=theme["ink"], linewidth=1.2)
        axes.annotate(show(middle), (most * scale, place), xytext=(5, 0), textcoords="offset points", va="center",
                      fontsize=9)
    if log:
        axes.set_xscale("log")
    axes.grid(axis="y", visible=False)
    found = [middle * scale for middle in middles if middle]
    axes.set_xlim(min(found) / 2 if log else 0, max(found) * (4.5 if log else 1.25))
    plain(axes.xaxis)


def plain(axis):
    """Numbers as 0.1, 1, 10, and none between the powers of ten."""
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def draw_first(results: dict, theme: dict):
    content = results["scenarios"]["first_90"]
    measurements = content["measurements"]
    ways = [way for way in LABELS if figures.values(measurements, way, "seconds")]
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(11, 0.34 * len(ways) + 1.4), sharey=True,
                                                    layout="constrained", width_ratios=(5, 3, 3))
    bars(left, measurements, ways, "seconds", text.seconds, theme, log=True)
    figure.suptitle(f"Clearing {content['rows']:,} sessions, {content['expired']:.0%} of them expired", x=0.01,
                    ha="left", fontweight="bold")
    left.set_title("seconds, logarithmic")
    bars(middle, measurements, ways, "wal_bytes", text.size, theme, scale=2.0**-20)
    middle.set_title("WAL, MB")
    bars(right, measurements, ways, "bytes_after", text.size, theme, scale=2.0**-20)
    right.set_title("table afterwards, MB")
    named(left, ways)
    for axes in (middle, right):
        axes.tick_params(axis="y", length=0)
    return figure


def draw_latency(results: dict, theme: dict):
    """From the median to the longest, with a mark at the 99th percentile."""
    measurements = results["scenarios"]["latency"]["measurements"]
    ways = [way for way in ["idle", *LABELS] if figures.values(measurements, way, "max")]
    figure, axes = pyplot.subplots(figsize=(11, 0.34 * len(ways) + 1.3), layout="constrained")
    for place, way in enumerate(ways):
        p50, p99 = (figures.middle(measurements, way, name) for name in ("p50", "p99"))
        most = max(figures.values(measurements, way, "max"))
        colour = theme["ours" if way in OURS else "peer"]
        axes.plot([p50, most], [place, place], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot(p50, place, marker="|", markersize=11, markeredgewidth=2.5, color=colour)
        if p99 is not None:
            axes.plot(p99, place, marker="o", markersize=8, color=colour)
        axes.annotate(text.milliseconds(most), (most, place), xytext=(7, 0), textcoords="offset points", va="center",
                      fontsize=9)
    idle = figures.middle(measurements, "idle", "p99")
    axes.axvline(idle, color=theme["ink"], linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 2)
    plain(axes.xaxis)
    named(axes, ways)
    axes.set_xlabel("milliseconds, logarithmic")
    figure.suptitle("Renewing a session beside a clean-up: the median ( | ), the 99th percentile (●), the longest",
                    x=0.01, ha="left", fontweight="bold", fontsize=11)
    return figure


def draw_steady(results: dict, theme: dict):
    scenarios = sorted((content for key, content in results["scenarios"].items()
                        if key.startswith("steady_") and key != "steady_no_index"), key=lambda content: content["rows"])
    sizes = [content["rows"] for content in scenarios]
    figure, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    for way, (colour, marker) in LINES.items():
        times = [figures.middle(content["measurements"], way, "seconds") for content in scenarios]
        if any(time is None for time in times):
            continue
        axes.plot(sizes, [time * 1e3 for time in times], marker=marker, color=theme.get(colour, colour), linewidth=1.8,
                  label=LABELS[way])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    low, high = axes.get_ylim()
    axes.set_ylim(low / 3, high * 2)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    plain(axes.yaxis)
    axes.margins(x=0.15)
    axes.set_xlabel("rows in the table")
    axes.set_ylabel("milliseconds, logarithmic")
    axes.set_title("Clearing a thousand expired sessions")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


PICTURES = {
    "first": ("first_90", draw_first),
    "latency": ("latency", draw_latency),
    "steady": ("steady_no_index", draw_steady),
}


def draw_all(results: dict, folder: Path, formats: tuple[str, ...]):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (scenario, draw) in PICTURES.items():
        if scenario not in results["scenarios"]:
            continue
        for theme_name, theme in THEMES.items():
            with pyplot.rc_context(style(theme)):
                figure = draw(results, theme)
                for kind in formats:
                    metadata = {"Date": None} if kind == "svg" else None
                    figure.savefig(folder / f"{name}-{theme_name}.{kind}", format=kind, dpi=110, metadata=metadata)
                pyplot.close(figure)
