"""The steady state with and without an index on the column that a session expires by: the WAL of a renewal (without its
commit), the share of renewals that are HOT, and a run's WAL and processor time; and of how many ranges of 128 blocks a map
with the earliest expiry of each would spare a run five minutes later, at a lifetime of an hour.

scripts/cluster fsync=off full_page_writes=off shared_buffers=1GB autovacuum=off max_wal_size=8GB \
    -- target/venv/bin/python bench/single/steady_without_index.py
"""

from work import connect, processor_time, wal

ROWS, RENEWALS = 1000000, 60000
TABLE = f"""
DROP TABLE IF EXISTS session;
CREATE TABLE session (key text PRIMARY KEY, data text, last timestamptz NOT NULL) WITH (fillfactor = 90);
INSERT INTO session SELECT md5(i::text), repeat('x', 230), now() - random() * interval '1 hour'
    FROM generate_series(1, {ROWS}) AS i
"""
RENEW = f"""
DO $$
DECLARE
    one text;
BEGIN
    FOR i IN 1..{RENEWALS} LOOP
        one := md5((1 + floor(random() * {ROWS}))::integer::text);
        UPDATE session SET last = clock_timestamp() WHERE key = one;
    END LOOP;
END
$$
"""
HOT = "SELECT n_tup_hot_upd::float / n_tup_upd FROM pg_stat_user_tables WHERE relname = 'session'"
EXPIRE = f"""
UPDATE session SET last = now() - interval '3 hours'
WHERE key IN (SELECT md5((i * {ROWS // 1000 - 3})::text) FROM generate_series(1, 1000) AS i)
"""
RUN = "SELECT raw_clear_sessions('session', expires => 'last', keep => '2 hours')"
RANGES = """
SELECT count(*), count(*) FILTER (WHERE least < now() - interval '55 minutes')
FROM (SELECT min(last) AS least FROM session GROUP BY (ctid::text::point)[0]::integer / 128) AS ranges
"""


def costs(session, statement):
    written, used = wal(session), processor_time(session)
    session.execute(statement)
    return wal(session) - written, processor_time(session) - used


def main():
    session = connect("postgres")
    session.execute("CREATE EXTENSION raw_clear_sessions")
    for index in (True, False):
        session.execute(TABLE)
        if index:
            session.execute("CREATE INDEX ON session (last)")
        session.execute("VACUUM (ANALYZE, FREEZE) session")
        renewals, _ = costs(session, RENEW)
        session.execute("SELECT pg_stat_force_next_flush()")
        (hot,) = session.execute(HOT).fetchone()
        session.execute(EXPIRE)
        run, used = costs(session, RUN)
        print("with index   " if index else "without index", f"{renewals / RENEWALS:.0f} bytes a renewal,", end=" ")
        print(f"{hot:.0%} HOT; a run: {run} bytes, {used * 1000:.1f} ms")
    print("ranges, and those that are due: {} {}".format(*session.execute(RANGES).fetchone()))


main()
