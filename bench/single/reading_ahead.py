"""What a rewrite gains by reading the table before it locks it: for how long it keeps everybody from it, and what the
reading costs, where the operating system has the table in its cache and where it has not (it drops its caches for that,
as root). The table is larger than shared_buffers. Without: effective_cache_size says that there is no cache to read into.

scripts/cluster fsync=on shared_buffers=128MB max_wal_size=16GB autovacuum=off \
    shared_preload_libraries=raw_clear_sessions 'raw_clear_sessions.databases=*' \
    -- target/venv/bin/python bench/single/reading_ahead.py 4
"""

import os
import random
import statistics
import sys
import time

from work import connect, copy_template, make_template, processor_time

TABLE = """
CREATE EXTENSION raw_clear_sessions;
CREATE TABLE session (key text, expires timestamptz NOT NULL, data text);
ALTER TABLE session ALTER data SET STORAGE plain;
INSERT INTO session SELECT md5(i::text), CASE WHEN i % 100 = 0 THEN now() + '1 day' ELSE '2001-01-01' END,
    repeat(md5(i::text), 14) FROM generate_series(1, 900000) AS i;
CREATE UNIQUE INDEX ON session (key);
VACUUM (ANALYZE, FREEZE) session
"""
LOCKED = "SELECT details ->> 'locked_ms' FROM raw_clear_sessions.run ORDER BY id DESC LIMIT 1"


def measure(server, cold, ahead):
    copy_template(server)
    if cold:
        os.sync()
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
    with connect("work") as session:
        session.execute("SET effective_cache_size = " + ("'20GB'" if ahead else "'8kB'"))
        used, since = processor_time(session), time.monotonic()
        session.execute("SELECT raw_clear_sessions_rewrite('session', expires => 'expires')")
        taken, used = time.monotonic() - since, processor_time(session) - used
        return int(session.execute(LOCKED).fetchone()[0]) / 1000, taken, used


def main():
    server = make_template(TABLE)
    ways = [(cold, ahead) for cold in (False, True) for ahead in (False, True)]
    results = {way: [] for way in ways}
    for _ in range(int(sys.argv[1])):
        for way in random.sample(ways, len(ways)):
            results[way].append(measure(server, *way))
    for (cold, ahead), rounds in results.items():
        print("cold  " if cold else "cached", "read ahead" if ahead else "not       ", end="")
        for what, figures in zip(("locked", "call", "processor"), zip(*rounds), strict=True):
            print(f"   {what} {statistics.median(figures):.2f} s ({min(figures):.2f} to {max(figures):.2f})", end="")
        print()


main()
