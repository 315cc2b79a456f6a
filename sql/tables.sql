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
COMMENT ON COLUMN @extschema@.raw_clear_sessions_run.stop IS
    'why it ended: done, max_rows, max_duration, paused, unscheduled, failed, or interrupted; NULL while it is running';

CREATE INDEX raw_clear_sessions_run_table_idx ON @extschema@.raw_clear_sessions_run ("table", id);
CREATE INDEX raw_clear_sessions_run_started_idx ON @extschema@.raw_clear_sessions_run (started);
CREATE INDEX raw_clear_sessions_run_running_idx ON @extschema@.raw_clear_sessions_run (id) WHERE ended IS NULL;

-- A role sees the runs of the tables that it may read, a monitoring role sees all.
ALTER TABLE @extschema@.raw_clear_sessions_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY raw_clear_sessions_run_visible ON @extschema@.raw_clear_sessions_run FOR SELECT
    USING (@extschema@.raw_clear_sessions_visible("table"::oid));
GRANT SELECT ON @extschema@.raw_clear_sessions_run TO PUBLIC;

SET LOCAL search_path = @extschema@, pg_temp;
