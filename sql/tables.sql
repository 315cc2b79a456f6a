-- The worker's policies and its history. The schema is that of CREATE EXTENSION.

-- What others have put into that schema must not be found: the checks and views below are evaluated by superusers, the
-- worker among them, and an operator or function that fits better than PostgreSQL's own would be taken for it. For the
-- same reason our own functions get arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE raw_clear_sessions.policy (
    "table" regclass PRIMARY KEY,
    schedule text,
    expires text,
    keep interval,
    unit text,
    time_zone text,
    filter text,
    batch_size integer CHECK (batch_size > 0),
    max_rows bigint CHECK (max_rows > 0),
    max_duration interval CHECK (max_duration > interval '0'),
    rewrite_above double precision CHECK (rewrite_above BETWEEN 0 AND 1),
    changed timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT policy_check CHECK (raw_clear_sessions.check_policy("table", schedule))
);

COMMENT ON TABLE raw_clear_sessions.policy IS
    'how and when the worker clears a table; written by raw_clear_sessions_schedule() and raw_clear_sessions_unschedule()';
COMMENT ON COLUMN raw_clear_sessions.policy."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.policy.schedule IS
    'an interval or a cron expression; NULL: the setting raw_clear_sessions.schedule';
COMMENT ON COLUMN raw_clear_sessions.policy.expires IS
    'the column, or the expression, that says when a row expires; NULL: the table is recognized by its columns';
COMMENT ON COLUMN raw_clear_sessions.policy.keep IS 'how long past that instant a row is kept';
COMMENT ON COLUMN raw_clear_sessions.policy.unit IS
    'for numbers: seconds, milliseconds or microseconds since 1970-01-01 00:00 UTC';
COMMENT ON COLUMN raw_clear_sessions.policy.time_zone IS
    'for timestamps without time zone and dates: the zone whose clock the application writes';
COMMENT ON COLUMN raw_clear_sessions.policy.filter IS 'a condition that a row must meet as well';
COMMENT ON COLUMN raw_clear_sessions.policy.batch_size IS
    'rows that one transaction deletes, about; NULL: the setting raw_clear_sessions.batch_size';
COMMENT ON COLUMN raw_clear_sessions.policy.max_rows IS 'rows that one run deletes, about; NULL: no limit';
COMMENT ON COLUMN raw_clear_sessions.policy.max_duration IS
    'how long one run takes, about; NULL: the setting raw_clear_sessions.max_run_time';
COMMENT ON COLUMN raw_clear_sessions.policy.rewrite_above IS
    'expired fraction of the table above which it is rewritten; NULL: the setting raw_clear_sessions.rewrite_above';
COMMENT ON COLUMN raw_clear_sessions.policy.changed IS 'when the policy was made or replaced';
COMMENT ON INDEX raw_clear_sessions.policy_pkey IS 'one policy for a table';

-- A dump holds the tables' names. Policies of tables that are gone stay behind.
SELECT pg_catalog.pg_extension_config_dump('raw_clear_sessions.policy',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = "table")');

-- As with PostgreSQL's own catalogs of triggers and policies, anybody may read what is defined. Else a pg_dump by
-- anybody but its owner would fail.
GRANT SELECT ON raw_clear_sessions.policy TO PUBLIC;

-- So that who may create the extension may restore a dump of it. The constraint has the last word.
GRANT INSERT ON raw_clear_sessions.policy TO @extowner@;

CREATE TABLE raw_clear_sessions.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "table" regclass NOT NULL,
    started timestamptz NOT NULL,
    ended timestamptz,
    stop text,
    deleted bigint,
    skipped bigint,
    batches bigint,
    error text,
    sqlstate text,
    pid integer NOT NULL,
    details jsonb
);

COMMENT ON TABLE raw_clear_sessions.run IS 'the worker''s runs, as long as raw_clear_sessions.history says';
COMMENT ON COLUMN raw_clear_sessions.run.id IS 'rises from run to run';
COMMENT ON COLUMN raw_clear_sessions.run."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.run.started IS 'when it began';
COMMENT ON COLUMN raw_clear_sessions.run.ended IS 'when it ended; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.run.stop IS
    'why it ended: done, max_rows, max_duration, paused, unscheduled, failed, or interrupted; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.run.deleted IS 'rows deleted';
COMMENT ON COLUMN raw_clear_sessions.run.skipped IS
    'expired rows left alone because somebody else was changing them';
COMMENT ON COLUMN raw_clear_sessions.run.batches IS 'transactions that deleted rows';
COMMENT ON COLUMN raw_clear_sessions.run.error IS 'the error that it ended with';
COMMENT ON COLUMN raw_clear_sessions.run.sqlstate IS 'the SQLSTATE of the error';
COMMENT ON COLUMN raw_clear_sessions.run.pid IS 'the process id of the worker';
COMMENT ON COLUMN raw_clear_sessions.run.details IS
    'the policy that it ran by, what it used and wrote, whether it rewrote or vacuumed, DETAIL and HINT of the error';
COMMENT ON INDEX raw_clear_sessions.run_pkey IS 'one row for a run';
COMMENT ON SEQUENCE raw_clear_sessions.run_id_seq IS 'the ids of the runs';

CREATE INDEX run_table_idx ON raw_clear_sessions.run ("table", id);
CREATE INDEX run_started_idx ON raw_clear_sessions.run (started);
CREATE INDEX run_running_idx ON raw_clear_sessions.run (id) WHERE ended IS NULL;
COMMENT ON INDEX raw_clear_sessions.run_table_idx IS 'for raw_clear_sessions.status: the last runs of a table';
COMMENT ON INDEX raw_clear_sessions.run_started_idx IS 'for raw_clear_sessions.history: the oldest runs';
COMMENT ON INDEX raw_clear_sessions.run_running_idx IS 'the runs that are running, or were when the server crashed';

-- A role sees the runs of the tables that it may read, a monitoring role sees all.
ALTER TABLE raw_clear_sessions.run ENABLE ROW LEVEL SECURITY;
CREATE POLICY run_visible ON raw_clear_sessions.run FOR SELECT
    USING (raw_clear_sessions.visible("table"::oid));
COMMENT ON POLICY run_visible ON raw_clear_sessions.run IS
    'a role sees the runs of the tables that it may read, a monitoring role sees all';
GRANT SELECT ON raw_clear_sessions.run TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
