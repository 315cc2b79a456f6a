"""The documents' tables, made of the results and nothing else."""

from . import figures, goals, text
from .commands import COMMANDS
from .labels import LABELS, OURS

VARIATIONS = ("first_90", "first_90_later", "first_90_ordered", "first_90_no_index", "first_90_wide", "first_50",
              "first_99", "snapshot")

HEADLINE = ("django_signals", "django", "delete", "skip_locked", "ranges", "delete_vacuum", "delete_vacuum_full",
            "copy_rename", "function", "function_vacuum", "procedure", "rewrite")


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Figures stand at the right, the first column at the left."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def name(way: str) -> str:
    """What the extension does itself is set off."""
    return f"**{LABELS[way]}**" if way in OURS else LABELS[way]


def ways_in(measurements: list[dict]) -> list[str]:
    found = {m["way"] for m in measurements}
    return [way for way in LABELS if way in found]


def with_spread(measurements, way, figure, show) -> str:
    """The median, and behind it the least and the most where they show as something else."""
    middle = figures.middle(measurements, way, figure)
    if middle is None:
        limits = figures.values(measurements, way, "given_up_after")
        return f"over {text.seconds(min(limits))}" if limits else text.MINUS
    least, most = map(show, figures.spread(measurements, way, figure))
    return show(middle) if least == most else f"{show(middle)} ({least} to {most})"


def ratio_with_interval(measurements, way, against, figure) -> str:
    """The median ratio, and behind it the interval that holds it with 95 %, where there were rounds enough."""
    found = figures.interval(figures.ratios(measurements, way, against, figure))
    middle = text.times(figures.ratio(measurements, way, against, figure))
    return middle if found is None else f"{middle} ({text.times(found[0])} to {text.times(found[1])})"


def commands_table(_results: dict) -> str:
    """Every way, word for word."""
    return "\n\n".join(f"{name(way)}:\n\n```\n{command}\n```" for way, command in COMMANDS.items())


def goals_table(results: dict) -> str:
    rows = [[goal.what, f"{goal.against}: {goal.wanted()}", goal.show(value), verdict]
            for goal, value, verdict in goals.judge(results)]
    head, *rest = markdown(["what", "goal", "measured", ""], rows).split("\n")
    return "\n".join([head, "| --- | --- | ---: | --- |", *rest[1:]])


def first_table(results: dict) -> str:
    measurements = results["scenarios"]["first_90"]["measurements"]
    rows = []
    for way in ways_in(measurements):
        def middle(figure):
            return figures.middle(measurements, way, figure)  # noqa: B023

        seconds = middle("seconds")
        rows.append([
            name(way), with_spread(measurements, way, "seconds", text.seconds),
            ratio_with_interval(measurements, way, "delete", "seconds"),
            text.count(middle("rows") / seconds if seconds else None),
            text.size(middle("wal_bytes")), text.count(middle("dirtied")), text.size(middle("client_bytes")),
            text.size(middle("server_bytes")), text.size(middle("bytes_after"))])
    return markdown(["way", "time", "of `DELETE`'s", "rows a second", "WAL", "buffers dirtied", "client memory",
                     "server memory", "table afterwards"], rows)


def headline_table(results: dict) -> str:
    """The first table in short."""
    measurements = results["scenarios"]["first_90"]["measurements"]
    rows = [[name(way)] + [show(figures.middle(measurements, way, figure)) for figure, show in (
        ("seconds", text.seconds), ("wal_bytes", text.size), ("client_bytes", text.size), ("bytes_after", text.size))]
        for way in ways_in(measurements) if way in HEADLINE]
    content = results["scenarios"]["first_90"]
    caption = (f"{content['rows']:,} sessions, rounds: {results['rounds']}, PostgreSQL "
               f"{results['versions']['postgresql']}, {results['machine']['cores']} cores, {results['date']}:")
    return f"{caption}\n\n" + markdown(["way", "time", "WAL", "client memory", "table afterwards"], rows)


def variations_table(results: dict, figure: str, show) -> str:
    """A row for each way, a column for each variation."""
    found = {key: results["scenarios"][key] for key in VARIATIONS if key in results["scenarios"]}
    ways = [way for way in LABELS if sum(way in ways_in(content["measurements"]) for content in found.values()) > 1]
    rows = []
    for way in ways:
        cells = [name(way)]
        for content in found.values():
            measurements = content["measurements"]
            cell = with_spread(measurements, way, figure, show).split(" (")[0]
            ratio = figures.ratio(measurements, way, "delete", figure) if figure == "seconds" else None
            cells.append(cell if ratio is None or way == "delete" else f"{cell}<br>{text.times(ratio)}")
        rows.append(cells)
    return markdown(["way"] + [content["title"] for content in found.values()], rows)


def steady_table(results: dict) -> str:
    found = {key: content for key, content in results["scenarios"].items() if key.startswith("steady_")}
    ways = [way for way in LABELS if any(way in ways_in(content["measurements"]) for content in found.values())]
    rows = [[name(way)] + [
        with_spread(content["measurements"], way, "seconds", lambda value: text.milliseconds(value * 1e3))
        for content in found.values()] for way in ways]
    return markdown(["way"] + [content["title"] for content in found.values()], rows)


def latency_table(results: dict) -> str:
    measurements = results["scenarios"]["latency"]["measurements"]
    rows = []
    for way in ["idle", *ways_in(measurements)]:
        cells = ["nothing beside it" if way == "idle" else name(way)]
        for figure in figures.PERCENTILES:
            enough = figures.with_enough_samples(measurements, figure)
            cells.append(with_spread(enough, way, figure, text.milliseconds))
        cells.append(text.milliseconds(max(figures.values(measurements, way, "max"), default=None)))
        cells.append(text.times(figures.p99_of_idle(measurements, way)))
        cells.append(text.MINUS if way == "idle" else text.seconds(figures.middle(measurements, way, "seconds")))
        rows.append(cells)
    return markdown(["beside the renewals", "p50", "p99", "p99.9", "max", "p99 of idle's", "clean-up takes"], rows)


def replica_table(results: dict) -> str:
    measurements = results["scenarios"]["replica"]["measurements"]
    rows = [[name(way), text.seconds(figures.middle(measurements, way, "seconds")),
             text.seconds(figures.middle(measurements, way, "lag_seconds")),
             text.size(figures.middle(measurements, way, "lag_bytes")),
             text.size(figures.middle(measurements, way, "wal_bytes"))] for way in ways_in(measurements)]
    return markdown(["way", "clean-up takes", "standby needs after its end", "behind at most", "WAL"], rows)


def idle_table(results: dict) -> str:
    content = results["scenarios"]["idle"]
    rows = [[process["process"], f"{text.digits(process['cpu_seconds_per_hour'])} s",
             text.digits(process["wake_ups_per_minute"]), text.size(process["memory_bytes"])]
            for process in sorted(content["processes"], key=lambda process: process["process"])]
    start = text.milliseconds(content["cpu_seconds_per_start"] * 1e3)
    table = markdown(["process", "processor time an hour", "wake-ups a minute", "memory of its own"], rows)
    return f"{table}\n\nA start of the worker that finds nothing takes {start} of processor time."


def many_table(results: dict) -> str:
    content = results["scenarios"]["many"]
    sites = content["sites"]

    def row(what: str, figure: str, show) -> list[str]:
        return [what] + [show(site[figure]) if figure in site else text.MINUS for site in sites]

    def cpu(value: float) -> str:
        return text.milliseconds(value * 1e3)

    rows = [
        row("a run, processor time", "cpu_seconds", cpu), row("a run, WAL", "wal_bytes", text.size),
        ["a round, processor time"] + [text.seconds(site["cpu_seconds"] * site["tables"]) for site in sites],
        row("a round, by the clock", "round_seconds", text.seconds),
        row("memory of a worker", "memory_bytes", text.size),
        row("a start for one table, processor time", "start_cpu_seconds", cpu),
        row("a start for one table, WAL", "start_wal_bytes", text.size),
        row("the view `status`, processor time", "status_cpu_seconds", cpu),
        row("a scrape, processor time", "scrape_cpu_seconds", cpu)]
    where = f"{content['date']}, commit {content['commit']}:" if "commit" in content else ""
    return f"{where}\n\n{markdown([''] + [MANY[site['key']] for site in sites], rows)}".lstrip()


def about(results: dict) -> str:
    """Machine, versions and settings."""
    machine, versions = results["machine"], results["versions"]
    peers = [("PostgreSQL", "postgresql"), ("raw_clear_sessions", "raw_clear_sessions"), ("Django", "django"),
             ("psycopg", "psycopg"), ("django-raw-clearsessions", "django_raw_clearsessions"), ("pg_cron", "pg_cron"),
             ("pg_repack", "pg_repack"), ("Python", "python")]
    here = ", ".join(f"{title} {versions[key]}" for title, key in peers if key in versions)
    commit = f" (commit {versions['commit']})" if "commit" in versions else ""
    settings = ", ".join(f"`{key} = {value}`" for key, value in results["settings"].items()
                         if key not in ("cron.host", "shared_preload_libraries"))
    return "\n".join([
        f"- {results['date']}: {results['rows']:,} rows, rounds: {results['rounds']}",
        f"- {machine['processor']}, {machine['cores']} cores, {text.size(machine['memory_bytes'])} of memory, "
        f"{machine['file_system']}, {machine['system']}, Linux {machine['kernel']}",
        f"- {here}{commit}",
        f"- {settings}; all others as PostgreSQL has them",
    ])


# What the sites of the scenario are.
MANY = {"policies_200": "200 policies, a week of history", "policies_3000": "3,000 policies",
        "tenants_1000": "1,000 schemas, by the setting `tables`"}

NOT_MEASURED = "Not measured in this run."


def blocks(results: dict) -> dict[str, str]:
    """Every block by its name; that of a scenario which is not in the results says so."""
    makers = {
        "about": (None, about),
        "goals": (None, goals_table),
        "headline": ("first_90", headline_table),
        "commands": (None, commands_table),
        "first": ("first_90", first_table),
        "variations": ("first_90", lambda r: variations_table(r, "seconds", text.seconds)),
        "variations-wal": ("first_90", lambda r: variations_table(r, "wal_bytes", text.size)),
        "steady": ("steady_no_index", steady_table),
        "latency": ("latency", latency_table),
        "replica": ("replica", replica_table),
        "idle": ("idle", idle_table),
        "many": ("many", many_table),
    }
    return {key: make(results) if scenario is None or scenario in results["scenarios"] else NOT_MEASURED
            for key, (scenario, make) in makers.items()}
