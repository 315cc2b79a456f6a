"""What is measured. Each scenario has a key, a title for the reports, the tables it needs (so that their templates can
be dropped after the last one that does), and a function that measures."""

import re

from . import first, idle, latency, many, replica, snapshot, steady

QUICK = re.compile(r"first_90|first_99|latency|steady_.*")


def all_scenarios(options) -> list:
    """In the order in which they are measured. A quick run has those that the goals are about."""
    every = [
        *first.scenarios(options),
        snapshot.scenario(options),
        latency.scenario(options),
        replica.scenario(options),
        *steady.scenarios(options),
        idle.scenario(options),
        many.scenario(options),
    ]
    return [scenario for scenario in every if not options.quick or QUICK.fullmatch(scenario.key)]
