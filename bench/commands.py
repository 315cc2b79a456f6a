"""What each way sends or runs, word for word. Apart from ways.py, so that reports can show it where no driver of
PostgreSQL is."""

from .labels import TABLE

EXPIRED = "expire_date < now()"
DELETE = f"DELETE FROM {TABLE} WHERE {EXPIRED}"
# As it is passed around, in its fastest form: rows are found again by where they are.
SKIP_LOCKED = (f"DELETE FROM {TABLE} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {TABLE} WHERE {EXPIRED} "
               "LIMIT 10000 FOR UPDATE SKIP LOCKED))")
# A hundred pages (about 2,000 rows) a transaction, each committing without waiting for the disk.
RANGES = f"""\
DO $$
DECLARE
    pages bigint := pg_relation_size('{TABLE}') / current_setting('block_size')::bigint;
BEGIN
    FOR page IN 0..pages BY 100 LOOP
        SET LOCAL synchronous_commit = off;
        DELETE FROM {TABLE}
        WHERE ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + 100)::tid AND {EXPIRED};
        COMMIT;
    END LOOP;
END
$$"""
# In one transaction, so that nobody writes in between. The new table has the old one's columns, constraints and indexes,
# and neither its oid nor its privileges, statistics and comments on what hangs on it.
COPY_RENAME = f"""\
BEGIN;
LOCK TABLE {TABLE};
CREATE TABLE session_new (LIKE {TABLE} INCLUDING ALL EXCLUDING INDEXES);
INSERT INTO session_new SELECT * FROM {TABLE} WHERE NOT {EXPIRED};
ALTER TABLE session_new ADD PRIMARY KEY (session_key);
CREATE INDEX session_new_like ON session_new (session_key varchar_pattern_ops);
CREATE INDEX session_new_expire_date ON session_new (expire_date);
DROP TABLE {TABLE};
ALTER TABLE session_new RENAME TO {TABLE};
COMMIT"""
COPY_TRUNCATE = f"""\
BEGIN;
LOCK TABLE {TABLE};
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM {TABLE} WHERE NOT {EXPIRED};
TRUNCATE {TABLE};
INSERT INTO {TABLE} SELECT * FROM kept;
COMMIT"""
FUNCTION = f"SELECT raw_clear_sessions('{TABLE}')"
PROCEDURE = f"CALL raw_clear_sessions_in_batches('{TABLE}', batch_size => 500)"
REWRITE = f"SELECT raw_clear_sessions_rewrite('{TABLE}')"
UNLIMITED = "SET raw_clear_sessions.cost_delay = 0"
SETTINGS = f"raw_clear_sessions.databases = 'work', raw_clear_sessions.tables = '{TABLE}'"

COMMANDS = {
    "django_signals": "manage.py clearsessions, a receiver of pre_delete connected",
    "django": "manage.py clearsessions",
    "django_raw": "manage.py clearsessions, SESSION_ENGINE = 'django_raw_clearsessions.db'",
    "delete": DELETE,
    "skip_locked": f"{SKIP_LOCKED}\nuntil it finds no row",
    "ranges": RANGES,
    "pg_cron": f"cron.schedule('clear', '* * * * *', $${DELETE}$$)",
    "delete_vacuum": f"{DELETE}; VACUUM {TABLE}",
    "delete_vacuum_full": f"{DELETE}; VACUUM FULL {TABLE}",
    "delete_repack": f"{DELETE}, then pg_repack --no-order --table {TABLE}",
    "copy_rename": COPY_RENAME,
    "copy_truncate": COPY_TRUNCATE,
    "function": FUNCTION,
    "function_vacuum": f"{FUNCTION}; VACUUM {TABLE}",
    "procedure": f"{UNLIMITED}; {PROCEDURE}",
    "worker": f"{SETTINGS}, raw_clear_sessions.cost_delay = '2ms'",
    "worker_unlimited": f"{SETTINGS}, raw_clear_sessions.cost_delay = '0'",
    "rewrite": REWRITE,
}
