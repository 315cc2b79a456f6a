-- The worker's policies, what it knows of their tables, and its history.

-- What others have put into that schema must not be found: the checks and views below are evaluated by superusers, the
-- worker among them, and an operator or function that fits better than PostgreSQL's own would be taken for it. For the
-- same reason our own functions get arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

-- A regclass but for its input: a subscriber would stop at the name of a table that it lacks, before the trigger
-- policy_is_local could leave the row out.
CREATE FUNCTION raw_clear_sessions.scheduled_table_out(raw_clear_sessions.scheduled_table) RETURNS cstring
LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'regclassout';
CREATE FUNCTION raw_clear_sessions.scheduled_table_recv(internal) RETURNS raw_clear_sessions.scheduled_table
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'regclassrecv';
CREATE FUNCTION raw_clear_sessions.scheduled_table_send(raw_clear_sessions.scheduled_table) RETURNS bytea
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'regclasssend';
CREATE TYPE raw_clear_sessions.scheduled_table (
    INPUT = raw_clear_sessions.scheduled_table_in,
    OUTPUT = raw_clear_sessions.scheduled_table_out,
    RECEIVE = raw_clear_sessions.scheduled_table_recv,
    SEND = raw_clear_sessions.scheduled_table_send,
    LIKE = regclass,
    CATEGORY = 'N'
);
CREATE CAST (raw_clear_sessions.scheduled_table AS regclass) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (raw_clear_sessions.scheduled_table AS oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (regclass AS raw_clear_sessions.scheduled_table) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (oid AS raw_clear_sessions.scheduled_table) WITHOUT FUNCTION AS ASSIGNMENT;

COMMENT ON TYPE raw_clear_sessions.scheduled_table IS
    'a regclass that logical replication does not look up, for the table raw_clear_sessions.policy';
COMMENT ON FUNCTION raw_clear_sessions.scheduled_table_out(raw_clear_sessions.scheduled_table) IS 'I/O';
COMMENT ON FUNCTION raw_clear_sessions.scheduled_table_recv(internal) IS 'I/O';
COMMENT ON FUNCTION raw_clear_sessions.scheduled_table_send(raw_clear_sessions.scheduled_table) IS 'I/O';
COMMENT ON CAST (raw_clear_sessions.scheduled_table AS regclass) IS 'the same oid';
COMMENT ON CAST (raw_clear_sessions.scheduled_table AS oid) IS 'the same oid';
COMMENT ON CAST (regclass AS raw_clear_sessions.scheduled_table) IS 'the same oid';
COMMENT ON CAST (oid AS raw_clear_sessions.scheduled_table) IS 'the same oid';

CREATE TABLE raw_clear_sessions.policy (
    "table" raw_clear_sessions.scheduled_table PRIMARY KEY,
    schedule text,
    expires text,
    keep interval,
    unit text CHECK (octet_length(unit) <= 8192),
    time_zone text CHECK (octet_length(time_zone) <= 8192),
    filter text,
    batch_size integer CHECK (batch_size > 0),
    max_rows bigint CHECK (max_rows > 0),
    max_duration interval CHECK (max_duration > interval '0'),
    rewrite_above double precision CHECK (rewrite_above BETWEEN 0 AND 1),
    repack_above double precision CHECK (repack_above BETWEEN 0 AND 1),
    schedule_time_zone text,
    meant jsonb,
    named raw_clear_sessions.scheduled_table[],
    suspended timestamptz,
    installation bigint,
    changed timestamptz NOT NULL DEFAULT now() CHECK (isfinite(changed)),
    CONSTRAINT policy_check CHECK (raw_clear_sessions.check_policy("table", schedule, schedule_time_zone, expires, filter))
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
    'for timestamps without time zone and dates: the zone whose clock the application writes; for expressions and filters: the zone in which they are evaluated';
COMMENT ON COLUMN raw_clear_sessions.policy.filter IS 'a condition that a row must meet as well';
COMMENT ON COLUMN raw_clear_sessions.policy.batch_size IS
    'rows that one transaction deletes, about; NULL: the setting raw_clear_sessions.batch_size';
COMMENT ON COLUMN raw_clear_sessions.policy.max_rows IS 'rows that one run deletes, about; NULL: no limit';
COMMENT ON COLUMN raw_clear_sessions.policy.max_duration IS
    'how long one run takes, about; NULL: the setting raw_clear_sessions.max_run_time';
COMMENT ON COLUMN raw_clear_sessions.policy.rewrite_above IS
    'expired fraction of the table above which it is rewritten; NULL: the setting raw_clear_sessions.rewrite_above';
COMMENT ON COLUMN raw_clear_sessions.policy.repack_above IS
    'unused fraction of the table above which it is repacked after a run; NULL: the setting raw_clear_sessions.repack_above';
COMMENT ON COLUMN raw_clear_sessions.policy.schedule_time_zone IS
    'the zone in which a cron expression is meant; NULL: that of the server''s setting timezone';
COMMENT ON COLUMN raw_clear_sessions.policy.meant IS
    'the name of the table, and the numbers of the columns that the policy reads, by their names, when it was made';
COMMENT ON COLUMN raw_clear_sessions.policy.named IS
    'the tables that expires and filter named when it was made; a dump has them by the names that they have then';
COMMENT ON COLUMN raw_clear_sessions.policy.suspended IS 'since when the policy rests; NULL: it does not';
COMMENT ON COLUMN raw_clear_sessions.policy.installation IS
    'the database, and the table of policies in it, that it was made in; one from a dump, from another database or another server differs and rests until it is resumed';
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

-- One row for each table that the worker has cleared or is to clear; not for users, who have the view status. The oid is
-- no regclass, whose text form would be looked up wherever the row is copied to.
CREATE TABLE raw_clear_sessions.state (
    "table" oid PRIMARY KEY,
    name text NOT NULL,
    owner oid NOT NULL,
    runs bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    first_start timestamptz,
    last_start timestamptz,
    last_end timestamptz,
    last_stop text,
    last_deleted bigint,
    last_skipped bigint,
    expired_left bigint,
    success_start timestamptz,
    success_end timestamptz,
    cleared_until timestamptz,
    failure bigint,
    error text,
    sqlstate text,
    run_now timestamptz,
    repack_tried timestamptz,
    repack_error text,
    lost jsonb,
    seen jsonb
) WITH (fillfactor = 50);

COMMENT ON TABLE raw_clear_sessions.state IS 'what the worker knows of a table, for the view raw_clear_sessions.status';
COMMENT ON COLUMN raw_clear_sessions.state."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.state.name IS
    'its name, qualified, at its last run or when it was scheduled; one that another relation had then is not taken over';
COMMENT ON COLUMN raw_clear_sessions.state.owner IS 'its owner, at its last run or when it was scheduled';
COMMENT ON COLUMN raw_clear_sessions.state.runs IS 'runs that have ended, with those that found nothing';
COMMENT ON COLUMN raw_clear_sessions.state.deleted IS 'rows that all of them deleted';
COMMENT ON COLUMN raw_clear_sessions.state.failures IS 'runs in a row that failed or left rows out, up to the last one';
COMMENT ON COLUMN raw_clear_sessions.state.first_start IS 'when the first run began';
COMMENT ON COLUMN raw_clear_sessions.state.last_start IS 'when the last run began that has ended';
COMMENT ON COLUMN raw_clear_sessions.state.last_end IS 'when it ended';
COMMENT ON COLUMN raw_clear_sessions.state.last_stop IS 'why it ended';
COMMENT ON COLUMN raw_clear_sessions.state.last_deleted IS 'rows that it deleted';
COMMENT ON COLUMN raw_clear_sessions.state.last_skipped IS 'expired rows that it left alone because other transactions were changing them';
COMMENT ON COLUMN raw_clear_sessions.state.expired_left IS 'expired rows that it left, about';
COMMENT ON COLUMN raw_clear_sessions.state.success_start IS 'when the last run began that came to its end by itself';
COMMENT ON COLUMN raw_clear_sessions.state.success_end IS 'when that run ended';
COMMENT ON COLUMN raw_clear_sessions.state.cleared_until IS 'what had expired by then was deleted';
COMMENT ON COLUMN raw_clear_sessions.state.failure IS 'the row of the last failed run in the history, which stays there';
COMMENT ON COLUMN raw_clear_sessions.state.error IS 'the last error';
COMMENT ON COLUMN raw_clear_sessions.state.sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN raw_clear_sessions.state.run_now IS
    'when a run at once was asked for, or a cron expression had one due, if none has begun since that has ended';
COMMENT ON COLUMN raw_clear_sessions.state.repack_tried IS
    'when it was last repacked, or could not be; -infinity: since then there was no need to';
COMMENT ON COLUMN raw_clear_sessions.state.repack_error IS 'why it could not be repacked then';
COMMENT ON COLUMN raw_clear_sessions.state.lost IS 'the policy of a table that has gone';
COMMENT ON COLUMN raw_clear_sessions.state.seen IS
    'what the table was when the worker last saw it, where Citus is, which replaces tables';
COMMENT ON INDEX raw_clear_sessions.state_pkey IS 'one row for a table';

-- One row. A restore is not over with its rows, and who recovers a server to a point in time may want to look first: the
-- worker waits until it is told to go on. A dump is restored with row_security off, which nobody has otherwise.
CREATE TABLE raw_clear_sessions.origin (
    restored boolean NOT NULL,
    recovery text
);
-- A publication of all tables refuses an update otherwise.
ALTER TABLE raw_clear_sessions.origin REPLICA IDENTITY FULL;
INSERT INTO raw_clear_sessions.origin
VALUES (current_setting('row_security') = 'off', raw_clear_sessions.recovery());

COMMENT ON TABLE raw_clear_sessions.origin IS 'where this database comes from, for raw_clear_sessions_resume_all()';
COMMENT ON COLUMN raw_clear_sessions.origin.restored IS
    'the extension was created by a restored dump, and nobody has said since that the tables may be cleared';
COMMENT ON COLUMN raw_clear_sessions.origin.recovery IS
    'the last recovery of the server to a point in time after which somebody has said that the tables may be cleared';

-- Behind the view run, which hides what may not be read.
CREATE TABLE raw_clear_sessions.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "table" oid NOT NULL,
    started timestamptz NOT NULL,
    ended timestamptz,
    stop text,
    deleted bigint,
    skipped bigint,
    batches bigint,
    error text,
    sqlstate text,
    pid integer NOT NULL,
    caller name,
    details jsonb,
    aside jsonb
);

COMMENT ON TABLE raw_clear_sessions.history IS 'runs, for the view raw_clear_sessions.run, which describes the columns';
COMMENT ON COLUMN raw_clear_sessions.history.id IS 'rises from run to run';
COMMENT ON COLUMN raw_clear_sessions.history."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.history.started IS 'when it began';
COMMENT ON COLUMN raw_clear_sessions.history.ended IS 'when it ended';
COMMENT ON COLUMN raw_clear_sessions.history.stop IS 'why it ended';
COMMENT ON COLUMN raw_clear_sessions.history.deleted IS 'rows deleted';
COMMENT ON COLUMN raw_clear_sessions.history.skipped IS 'expired rows left alone';
COMMENT ON COLUMN raw_clear_sessions.history.batches IS 'transactions that deleted rows';
COMMENT ON COLUMN raw_clear_sessions.history.error IS 'the error that it ended with';
COMMENT ON COLUMN raw_clear_sessions.history.sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN raw_clear_sessions.history.pid IS 'the process id';
COMMENT ON COLUMN raw_clear_sessions.history.caller IS 'the role that called; NULL: the worker';
COMMENT ON COLUMN raw_clear_sessions.history.details IS 'more about it';
COMMENT ON COLUMN raw_clear_sessions.history.aside IS
    'where a worker goes on with it, while others have their turn; NULL otherwise';
COMMENT ON INDEX raw_clear_sessions.history_pkey IS 'one row for a run';
COMMENT ON SEQUENCE raw_clear_sessions.history_id_seq IS 'the ids of the runs';

CREATE INDEX history_table_idx ON raw_clear_sessions.history ("table", id);
CREATE INDEX history_started_idx ON raw_clear_sessions.history (started);
CREATE INDEX history_running_idx ON raw_clear_sessions.history (id) WHERE ended IS NULL;
COMMENT ON INDEX raw_clear_sessions.history_table_idx IS 'the last runs of a table';
COMMENT ON INDEX raw_clear_sessions.history_started_idx IS 'for the setting raw_clear_sessions.history: the oldest runs';
COMMENT ON INDEX raw_clear_sessions.history_running_idx IS 'the runs that are running, or were when the server crashed';

-- A publication may take these tables along, FOR ALL TABLES for one. What a subscriber gets of them is left out: it has
-- policies, runs and ids of its own.
CREATE TRIGGER policy_is_local BEFORE INSERT OR UPDATE OR DELETE ON raw_clear_sessions.policy
    FOR EACH ROW WHEN (raw_clear_sessions.is_applied()) EXECUTE FUNCTION raw_clear_sessions.leave_out();
ALTER TABLE raw_clear_sessions.policy ENABLE REPLICA TRIGGER policy_is_local;
COMMENT ON TRIGGER policy_is_local ON raw_clear_sessions.policy IS 'leaves out what a publication of another server''s brings';
CREATE TRIGGER origin_is_local BEFORE INSERT OR UPDATE OR DELETE ON raw_clear_sessions.origin
    FOR EACH ROW WHEN (raw_clear_sessions.is_applied()) EXECUTE FUNCTION raw_clear_sessions.leave_out();
ALTER TABLE raw_clear_sessions.origin ENABLE REPLICA TRIGGER origin_is_local;
COMMENT ON TRIGGER origin_is_local ON raw_clear_sessions.origin IS 'leaves out what a publication of another server''s brings';
CREATE TRIGGER state_is_local BEFORE INSERT OR UPDATE OR DELETE ON raw_clear_sessions.state
    FOR EACH ROW WHEN (raw_clear_sessions.is_applied()) EXECUTE FUNCTION raw_clear_sessions.leave_out();
ALTER TABLE raw_clear_sessions.state ENABLE REPLICA TRIGGER state_is_local;
COMMENT ON TRIGGER state_is_local ON raw_clear_sessions.state IS 'leaves out what a publication of another server''s brings';
CREATE TRIGGER history_is_local BEFORE INSERT OR UPDATE OR DELETE ON raw_clear_sessions.history
    FOR EACH ROW WHEN (raw_clear_sessions.is_applied()) EXECUTE FUNCTION raw_clear_sessions.leave_out();
ALTER TABLE raw_clear_sessions.history ENABLE REPLICA TRIGGER history_is_local;
COMMENT ON TRIGGER history_is_local ON raw_clear_sessions.history IS 'leaves out what a publication of another server''s brings';

SET LOCAL search_path = @extschema@, pg_temp;
