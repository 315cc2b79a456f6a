-- The worker's policies and its history. The schema is that of CREATE EXTENSION.

-- What others have put into that schema must not be found: the checks and views below are evaluated by superusers, the
-- worker among them, and an operator or function that fits better than PostgreSQL's own would be taken for it. For the
-- same reason our own functions get arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE TABLE @extschema@.raw_clear_sessions_policy (
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
    CONSTRAINT raw_clear_sessions_policy_check CHECK (@extschema@.raw_clear_sessions_check_policy("table", schedule))
);

COMMENT ON TABLE @extschema@.raw_clear_sessions_policy IS
    'how and when the worker clears a table; written by raw_clear_sessions_schedule() and raw_clear_sessions_unschedule()';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy."table" IS 'the table';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.schedule IS
    'an interval or a cron expression; NULL: the setting raw_clear_sessions.schedule';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.expires IS
    'the column, or the expression, that says when a row expires; NULL: the table is recognized by its columns';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.keep IS 'how long past that instant a row is kept';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.unit IS
    'for numbers: seconds, milliseconds or microseconds since 1970-01-01 00:00 UTC';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.time_zone IS
    'for timestamps without time zone and dates: the zone whose clock the application writes';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.filter IS 'a condition that a row must meet as well';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.batch_size IS
    'rows that one transaction deletes, about; NULL: the setting raw_clear_sessions.batch_size';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.max_rows IS 'rows that one run deletes, about; NULL: no limit';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.max_duration IS
    'how long one run takes, about; NULL: the setting raw_clear_sessions.max_run_time';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.rewrite_above IS
    'expired fraction of the table above which it is rewritten; NULL: the setting raw_clear_sessions.rewrite_above';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_policy.changed IS 'when the policy was made or replaced';
COMMENT ON INDEX @extschema@.raw_clear_sessions_policy_pkey IS 'one policy for a table';

-- A dump holds the tables' names. Policies of tables that are gone stay behind.
SELECT pg_catalog.pg_extension_config_dump('@extschema@.raw_clear_sessions_policy',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = "table")');

-- As with PostgreSQL's own catalogs of triggers and policies, anybody may read what is defined. Else a pg_dump by
-- anybody but its owner would fail.
GRANT SELECT ON @extschema@.raw_clear_sessions_policy TO PUBLIC;

-- So that who may create the extension may restore a dump of it. The constraint has the last word.
GRANT INSERT ON @extschema@.raw_clear_sessions_policy TO @extowner@;

CREATE TABLE @extschema@.raw_clear_sessions_run (
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

COMMENT ON TABLE @extschema@.raw_clear_sessions_run IS 'the worker''s runs, as long as raw_clear_sessions.history says';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.id IS 'rises from run to run';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run."table" IS 'the table';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.started IS 'when it began';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.ended IS 'when it ended; NULL while it is running';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.stop IS
    'why it ended: done, max_rows, max_duration, paused, unscheduled, failed, or interrupted; NULL while it is running';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.deleted IS 'rows deleted';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.skipped IS
    'expired rows left alone because somebody else was changing them';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.batches IS 'transactions that deleted rows';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.error IS 'the error that it ended with';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.sqlstate IS 'the SQLSTATE of the error';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.pid IS 'the process id of the worker';
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.details IS
    'the policy that it ran by, what it used and wrote, whether it rewrote or vacuumed, DETAIL and HINT of the error';
COMMENT ON INDEX @extschema@.raw_clear_sessions_run_pkey IS 'one row for a run';
COMMENT ON SEQUENCE @extschema@.raw_clear_sessions_run_id_seq IS 'the ids of the runs';

CREATE INDEX raw_clear_sessions_run_table_idx ON @extschema@.raw_clear_sessions_run ("table", id);
CREATE INDEX raw_clear_sessions_run_started_idx ON @extschema@.raw_clear_sessions_run (started);
CREATE INDEX raw_clear_sessions_run_running_idx ON @extschema@.raw_clear_sessions_run (id) WHERE ended IS NULL;
COMMENT ON INDEX @extschema@.raw_clear_sessions_run_table_idx IS 'for raw_clear_sessions_status: the last runs of a table';
COMMENT ON INDEX @extschema@.raw_clear_sessions_run_started_idx IS 'for raw_clear_sessions.history: the oldest runs';
COMMENT ON INDEX @extschema@.raw_clear_sessions_run_running_idx IS 'the runs that are running, or were when the server crashed';

-- A role sees the runs of the tables that it may read, a monitoring role sees all.
ALTER TABLE @extschema@.raw_clear_sessions_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY raw_clear_sessions_run_visible ON @extschema@.raw_clear_sessions_run FOR SELECT
    USING (@extschema@.raw_clear_sessions_visible("table"::oid));
COMMENT ON POLICY raw_clear_sessions_run_visible ON @extschema@.raw_clear_sessions_run IS
    'a role sees the runs of the tables that it may read, a monitoring role sees all';
GRANT SELECT ON @extschema@.raw_clear_sessions_run TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
