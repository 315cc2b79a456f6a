"""Batches of sessions whose attributes go with them by a foreign key, beside one DELETE: 200,000 of Spring's sessions
with two attributes each, nine in ten expired. Processor time of the backend, time, and WAL, each way in turn.

scripts/cluster fsync=on shared_buffers=2GB max_wal_size=16GB checkpoint_timeout=1h autovacuum=off \
    -- target/venv/bin/python bench/single/cascade.py 5
"""

import random
import statistics
import sys
import time

from work import connect, copy_template, make_template, processor_time, wal

TABLES = """
CREATE EXTENSION raw_clear_sessions;
CREATE EXTENSION pg_prewarm;
CREATE TABLE spring_session (primary_id character(36) PRIMARY KEY, session_id character(36) NOT NULL UNIQUE,
    creation_time bigint NOT NULL, last_access_time bigint NOT NULL, max_inactive_interval integer NOT NULL,
    expiry_time bigint NOT NULL, principal_name character varying(100));
CREATE INDEX ON spring_session (expiry_time);
CREATE INDEX ON spring_session (principal_name);
CREATE TABLE spring_session_attributes (
    session_primary_id character(36) NOT NULL REFERENCES spring_session ON DELETE CASCADE,
    attribute_name character varying(200) NOT NULL, attribute_bytes bytea NOT NULL,
    PRIMARY KEY (session_primary_id, attribute_name));
INSERT INTO spring_session SELECT md5(i::text), md5('s' || i), 0, 0, 1800, (extract(epoch FROM now()) * 1000)::bigint
    + CASE WHEN hashint4(i) % 10 = 0 THEN 86400000 ELSE -86400000 END, 'user' || i % 5000
    FROM generate_series(1, 200000) AS i;
INSERT INTO spring_session_attributes SELECT md5(i::text), name, decode(repeat(md5(i || name), 4), 'hex')
    FROM generate_series(1, 200000) AS i, unnest(ARRAY['SPRING_SECURITY_CONTEXT', 'cart']) AS name;
VACUUM (ANALYZE, FREEZE)
"""
WAYS = {
    "DELETE": "DELETE FROM spring_session WHERE expiry_time < (extract(epoch FROM now()) * 1000)::bigint",
    "batches of 500": "CALL raw_clear_sessions_in_batches('spring_session', batch_size => 500)",
    "batches of 5,000": "CALL raw_clear_sessions_in_batches('spring_session', batch_size => 5000)",
}
READ = "SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relname LIKE 'spring_session%' AND relkind IN ('r', 'i')"


def measure(server, statement):
    copy_template(server)
    with connect("work") as session:
        session.execute(READ)
        session.execute("SET raw_clear_sessions.cost_delay = 0")
        written, used, since = wal(session), processor_time(session), time.monotonic()
        session.execute(statement)
        return processor_time(session) - used, time.monotonic() - since, (wal(session) - written) / 1e6


def main():
    server = make_template(TABLES)
    results = {way: [] for way in WAYS}
    for _ in range(int(sys.argv[1])):
        for way in random.sample(list(WAYS), len(WAYS)):
            results[way].append(measure(server, WAYS[way]))
    for way, rounds in results.items():
        ratios = [own[0] / delete[0] for own, delete in zip(rounds, results["DELETE"], strict=True)]
        print(f"{way:17}", f"processor {statistics.median(r[0] for r in rounds):.2f} s,", end=" ")
        print(f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})", end="   ")
        print(f"time {statistics.median(r[1] for r in rounds):.2f} s   WAL {rounds[0][2]:.0f} MB")


main()
