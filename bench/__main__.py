"""Measures what is missing of a run, and reports. See the package's own description for the commands."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from . import options as choices


def start_server(folder: Path):
    from .server import Server, site_settings

    bindir = Path(os.environ["BENCH_BINDIR"])
    libraries = ["pg_stat_statements", "raw_clear_sessions"]
    settings = site_settings() | {"cron.host": str(folder)}
    if os.environ.get("BENCH_CRON"):
        libraries.append("pg_cron")
    settings["shared_preload_libraries"] = ", ".join(libraries)
    server = Server(bindir, folder, settings)
    server.initialize()
    server.start()
    return server


def chosen_scenarios(options) -> list:
    from .scenarios import all_scenarios

    every = {scenario.key: scenario for scenario in all_scenarios(options)}
    if unknown := set(options.scenarios) - set(every):
        raise choices.BadOption(f"BENCH_SCENARIOS: there is no {', '.join(sorted(unknown))}; "
                                f"there are {', '.join(every)}")
    return [every[key] for key in options.scenarios or every]


def measure(bench, store, scenarios):
    """Those that have no result yet. A template stays for as long as a later scenario needs it."""
    from .measurement import say

    todo = [scenario for scenario in scenarios if store.get(scenario.key) is None]
    for scenario in scenarios:
        if scenario not in todo:
            say(f"==> {scenario.title}: measured before")
    while todo:
        scenario = todo.pop(0)
        say(f"==> {scenario.key}: {scenario.title}")
        content = scenario.measure(bench)
        store.put(scenario.key, {"title": scenario.title, **content})
        bench.drop_templates(keep=[table for later in todo for table in later.tables])


def run(quick: bool):
    from . import machine, report, results
    from .measurement import Bench, say

    options = choices.Options.from_environment(quick)
    scenarios = chosen_scenarios(options)
    folder = Path(os.environ["BENCH_FOLDER"])
    server = start_server(folder)
    try:
        versions = machine.versions(server)
        bench = Bench(options, server, versions)
        bench.measure_idle()
        library = Path(os.environ["BENCH_LIBRARY"])
        about = {"machine": machine.describe(folder), "versions": versions,
                 "settings": {**server.settings, "cron.host": "(the socket's folder)"}}
        store = results.Store(options, library, about)
        measure(bench, store, scenarios)
    finally:
        server.stop()
    every = [scenario.key for scenario in chosen_scenarios(replace(options, scenarios=()))]
    content = store.all(every)
    report.write_all(content, store.folder / "report")
    complete = list(content["scenarios"]) == every and not options.ways
    if complete and not quick:
        report.publish(content)
        store.forget()
    say(report.summary(content))


def main() -> int:
    try:
        match sys.argv[1:]:
            case [] | ["quick"]:
                run(quick=len(sys.argv) > 1)
            case ["report"]:
                from . import report

                report.publish_again()
            case ["publish", file]:
                from . import report, results

                report.publish(results.read(Path(file)))
            case ["add", file, scenario]:
                from . import report, results

                report.add(results.read(Path(file)), scenario)
            case ["check"]:
                from . import report

                return report.check()
            case _:
                raise choices.BadOption("usage: python -m bench [quick | report | publish FILE | add FILE SCENARIO | check]")
    except choices.BadOption as bad:
        print(f"bench: {bad}", file=sys.stderr)
        return 2
    return 0


sys.exit(main())
