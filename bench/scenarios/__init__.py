"""What is measured. Each scenario has a key, a title for the reports, the templates it needs (so that they can be dropped
after the last one that does), and a function that measures."""

from . import first, idle, latency, replica, snapshot, steady


def all_scenarios(options) -> list:
    """In the order in which they are measured."""
    return [
        *first.scenarios(options),
        snapshot.scenario(options),
        latency.scenario(options),
        replica.scenario(options),
        *steady.scenarios(options),
        idle.scenario(options),
    ]
