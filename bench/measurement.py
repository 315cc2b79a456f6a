"""One measurement: a table is put back, a way clears it, and what that took is written down."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import probe, table as tables, text, ways
from .options import Options
from .server import Server


def say(text: str):
    print(text, flush=True)


@dataclass
class Bench:
    """What all measurements of a run share."""

    options: Options
    server: Server
    packages: dict  # the peers' packages that are here, with their versions
    idle: int = 0  # RssAnon of an idle backend
    templates: set = field(default_factory=set)
    after: Callable[[], dict] | None = None  # what is to be measured as soon as a way has ended

    def possible(self, *keys: str) -> list[ways.Way]:
        """Those of these ways that are wanted, and possible on this machine."""
        chosen = [ways.BY_KEY[key] for key in keys if key in (self.options.ways or keys)]
        return [way for way in chosen if way.needs in self.packages]

    def rounds(self, keys, rounds: int = 0):
        """Yields (number of the round, way): in each round all ways, in an order of its own, so that no way always
        comes after the same other. The order is drawn, and the same in every run."""
        chosen = self.possible(*keys)
        for number in range(1, (rounds or self.options.rounds) + 1):
            for way in random.Random(number).sample(chosen, len(chosen)):
                yield number, way

    def template(self, table: tables.Table):
        """Makes a table's template, unless there is one."""
        if table.database in self.templates:
            return
        start = time.monotonic()
        tables.create(self.server, table)
        self.templates.add(table.database)
        say(f"    filled a table: {table.rows:,} rows, {table.expired:.0%} expired, {table.layout}"
            f"{', wide' if table.wide else ''}{'' if table.index else ', no index'} ({time.monotonic() - start:.0f} s)")

    def drop_templates(self, keep=()):
        with self.server.connect() as session:
            session.execute(f"DROP DATABASE IF EXISTS {ways.WORK} WITH (FORCE)")
            for name in self.templates - {table.database for table in keep}:
                session.execute(f"DROP DATABASE {name}")
        self.templates &= {table.database for table in keep}

    def measure_idle(self):
        """What a backend takes that has done nothing but connect."""
        with self.server.connect() as session:
            self.idle = probe.status(session.info.backend_pid, "RssAnon")

    def restore(self, table: tables.Table):
        """Puts the table back: in shared buffers, and nothing left to write."""
        self.template(table)
        tables.restore(self.server, table, ways.WORK)
        self.settle()

    def use_up(self, table: tables.Table):
        """The same for a table that may be too large to have twice: its template goes."""
        self.template(table)
        tables.use_up(self.server, table, ways.WORK)
        self.templates.discard(table.database)
        self.settle()

    def settle(self):
        with self.server.connect(ways.WORK) as session:
            tables.warm(session)
            session.execute("CHECKPOINT")

    def measure(self, way: ways.Way, number: int, lasts=False) -> dict:
        """Clears the table of the database that is worked in, and returns what it took.

        `lasts`: whether expired rows may be left, which is a failure else.
        """
        result = {"way": way.key, "round": number}
        with self.server.connect(ways.WORK) as session:
            rows, expired = tables.count(session)
            result["bytes_before"] = tables.size(session)
            with probe.MemoryWatch(self.server.process.pid, self.idle) as watch, way.start(self) as go:
                counters = probe.Counters(session)
                try:
                    run = go()
                except TimeoutError:
                    say(f"    round {number}  {way.label}: given up after {self.options.limit} s")
                    return {**result, "seconds": None, "given_up_after": self.options.limit}
                result |= self.after() if self.after else {}
                result["wal_bytes"] = counters.wal_bytes()
                result["dirtied"] = counters.dirtied() if run.dirtied is None else run.dirtied
            result |= {"seconds": run.seconds, "started": run.started, "rows": expired,
                       "client_bytes": run.client_bytes, "server_bytes": watch.peak, "bytes_after": tables.size(session)}
            left, still = tables.count(session)
            if (still, left) != (0, rows - expired) and not lasts:
                raise RuntimeError(f"{way.label} left {left} rows, {still} of them expired, of {rows} with {expired}")
        say(f"    round {number}  {way.label}: {text.seconds(run.seconds)}, {text.size(result['wal_bytes'])} of WAL")
        return result
