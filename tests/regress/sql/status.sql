--
-- Status, progress and history, as a server shows them that has not preloaded the library: the worker is off
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA status;
SET search_path = status, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\d raw_clear_sessions.status
\d raw_clear_sessions.progress
-- Nothing is scheduled: one row says how to turn the worker on.
SELECT * FROM raw_clear_sessions.status \gx
SELECT * FROM raw_clear_sessions.progress;
SELECT * FROM raw_clear_sessions.run;

CREATE TABLE django_session (
    session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE TABLE token (id integer, expires timestamptz, secret text);
SELECT raw_clear_sessions_schedule('django_session');
SELECT raw_clear_sessions_schedule('token', '*/5 * * * *', expires => 'expires');
-- Without its own schedule a table shows that of the setting, which is known once the library is loaded.
SELECT "table", source, schedule, next_start, failures, total_deleted, pid, note FROM raw_clear_sessions.status ORDER BY "table"::text;

-- What a table's runs come to is what the worker has counted.
CREATE FUNCTION state("table" regclass, VARIADIC columns text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO raw_clear_sessions.state ("table", name, owner) VALUES ("table", "table"::text, 0) ON CONFLICT DO NOTHING;
    EXECUTE format('UPDATE raw_clear_sessions.state SET %s WHERE "table" = %s', array_to_string(columns, ', '), "table"::oid);
END
$$;
CREATE FUNCTION run("table" regclass, day date, stop text, deleted bigint, error text DEFAULT NULL, caller name DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO raw_clear_sessions.history ("table", started, ended, stop, deleted, error, sqlstate, pid, caller, details)
    VALUES ("table", day + time '01:00', CASE WHEN stop IS NOT NULL THEN day + time '02:00' END, stop, deleted, error,
        CASE WHEN error IS NOT NULL THEN '55P03' END, 1, caller,
        jsonb_build_object('elapsed_ms', 5, 'detail', error, 'hint', error, 'rewrite', error, 'something', error))
$$;
UPDATE raw_clear_sessions.policy SET changed = '2000-01-01';
SET timezone = 'UTC';
CREATE VIEW shown AS
SELECT "table", last_start, last_success, cleared_until, last_stop, last_deleted, expired_left, total_deleted, runs, failures,
    last_error, last_sqlstate
FROM raw_clear_sessions.status ORDER BY "table"::text;
SELECT state('django_session', $$first_start = '2001-01-01'$$, $$last_start = '2001-01-03'$$, $$last_end = '2001-01-03'$$,
    $$last_stop = 'failed'$$, 'runs = 3', 'deleted = 15', 'failures = 2', $$success_start = '2001-01-01'$$,
    $$success_end = '2001-01-01 01:00'$$, $$cleared_until = '2001-01-01'$$, $$error = 'it failed'$$, $$sqlstate = '55P03'$$,
    'expired_left = 7');
SELECT * FROM shown;
-- Failures, and what was cleared, before the policy was replaced are not this one's.
BEGIN;
SELECT raw_clear_sessions_schedule('django_session', '1 h');
SELECT * FROM shown;
ROLLBACK;
-- Nothing has been cleared that is yet to expire, whatever the clock has shown.
BEGIN;
SELECT state('django_session', $$cleared_until = '2999-01-01'$$);
SELECT cleared_until <= now() AS cleared_until FROM shown WHERE "table" = 'django_session'::regclass;
ROLLBACK;
-- A policy that rests: by a wish, or because it comes from elsewhere.
BEGIN;
SELECT raw_clear_sessions_suspend('django_session'), raw_clear_sessions_suspend('django_session');
SELECT raw_clear_sessions_run_now('django_session'), raw_clear_sessions_run_now('token');
UPDATE raw_clear_sessions.policy SET installation = 0 WHERE "table" = 'token'::regclass;
SELECT "table", next_start, note FROM raw_clear_sessions.status ORDER BY "table"::text;
-- Whoever schedules it anew, as a deployment may each night, does not end that.
SET LOCAL client_min_messages = notice;
SELECT raw_clear_sessions_schedule('django_session', '2 days');
SET LOCAL client_min_messages = warning;
SELECT "table", schedule, next_start, note FROM raw_clear_sessions.status WHERE "table" = 'django_session'::regclass;
-- Who takes the policy away does, and is told.
SAVEPOINT suspended;
SET LOCAL client_min_messages = notice;
SELECT raw_clear_sessions_unschedule('django_session');
SET LOCAL client_min_messages = warning;
SELECT raw_clear_sessions_schedule('django_session', '2 days');
SELECT suspended FROM raw_clear_sessions.policy WHERE "table" = 'django_session'::regclass;
ROLLBACK TO suspended;
SELECT raw_clear_sessions_resume('django_session'), raw_clear_sessions_resume('token'), raw_clear_sessions_resume('token');
SELECT "table", note ~ 'resume' AS rests FROM raw_clear_sessions.status ORDER BY "table"::text;
ROLLBACK;

-- How many starts were due since the last success began; not those before the policy was replaced.
BEGIN;
DELETE FROM raw_clear_sessions.state;
CREATE VIEW due AS
SELECT "table", starts_since_success FROM raw_clear_sessions.status WHERE "table" = 'django_session'::regclass;
SELECT raw_clear_sessions_schedule('django_session', '1 day');
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET changed = now() - interval '25 hours';
SELECT * FROM due;
SELECT state('django_session', $$success_start = now() - interval '73 hours'$$);
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET changed = '2000-01-01';
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET schedule = '* * * * *';
SELECT * FROM due;
ROLLBACK;
-- A table of the setting counts from its first run.
SELECT raw_clear_sessions.starts_since('1 day', NULL, now() - interval '50 hours'), raw_clear_sessions.starts_since('1 day', NULL, NULL),
    raw_clear_sessions.starts_since('never', NULL, now()), raw_clear_sessions.starts_since('1 day', 'Europe/Berlin', 'infinity');

--
-- Who sees what: the runs and the status of the tables that one may read; all for pg_read_all_stats.
--
CREATE ROLE regress_status_reader;
CREATE ROLE regress_status_column_reader;
CREATE ROLE regress_status_writer;
CREATE ROLE regress_status_monitor IN ROLE pg_monitor;
CREATE ROLE regress_status_statistician IN ROLE pg_read_all_stats;
CREATE ROLE regress_status_stranger;
GRANT USAGE ON SCHEMA status TO PUBLIC;
GRANT SELECT ON shown TO PUBLIC;
GRANT SELECT ON django_session TO regress_status_reader;
GRANT SELECT ON token TO regress_status_reader;
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
GRANT SELECT (id) ON token TO regress_status_column_reader;
GRANT INSERT, UPDATE, DELETE ON django_session TO regress_status_writer;
SELECT run('token', '2001-01-01', 'failed', 0, 'a secret'), run('django_session', '2001-01-01', 'failed', 0, 'a secret');
SELECT run('django_session', '2001-01-02', 'done', 3, caller => 'somebody');
SELECT state('token', $$error = 'a secret'$$, $$sqlstate = '55P03'$$);
CREATE FUNCTION seen(OUT role name, OUT status text, OUT run text, OUT errors text, OUT details text, OUT last_errors text)
LANGUAGE sql AS $$
    SELECT current_user,
        (SELECT string_agg(coalesce("table"::text, '(note)'), ', ' ORDER BY "table"::text) FROM raw_clear_sessions.status),
        (SELECT string_agg(DISTINCT "table"::text, ', ') FROM raw_clear_sessions.run),
        (SELECT string_agg(format('%s: %s %s', "table", sqlstate, error), ', ' ORDER BY "table"::text) FROM raw_clear_sessions.run WHERE stop = 'failed'),
        (SELECT string_agg(DISTINCT key, ', ' ORDER BY key) FROM raw_clear_sessions.run, jsonb_object_keys(details) AS key),
        (SELECT string_agg(format('%s: %s %s', "table", last_sqlstate, last_error), ', ' ORDER BY "table"::text) FROM raw_clear_sessions.status WHERE last_sqlstate IS NOT NULL)
$$;
-- Values of rows are in errors, and for those who may read all of a table: not for who reads some columns, or some rows.
\x on
SELECT * FROM seen();
SET ROLE regress_status_reader;
SELECT * FROM seen();
SET ROLE regress_status_column_reader;
SELECT * FROM seen();
SET ROLE regress_status_writer;
SELECT * FROM seen();
SET ROLE regress_status_monitor;
SELECT * FROM seen();
SET ROLE regress_status_statistician;
SELECT * FROM seen();
SET ROLE regress_status_stranger;
SELECT * FROM seen();
\x off
-- A condition of one's own sees nothing of what is hidden, however cheap it is.
RESET ROLE;
CREATE FUNCTION status.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SET ROLE regress_status_stranger;
SET client_min_messages = notice;
SELECT count(*) FROM raw_clear_sessions.run WHERE status.leak(error);
SELECT count(*) FROM raw_clear_sessions.status WHERE status.leak(last_error);
SET client_min_messages = warning;
-- The functions below the views say no more.
SELECT raw_clear_sessions.visible('status.token'::regclass), raw_clear_sessions.visible(0), raw_clear_sessions.visible(NULL);
SELECT * FROM raw_clear_sessions.running();
RESET ROLE;
SELECT raw_clear_sessions.visible('status.token'::regclass), raw_clear_sessions.visible(0), raw_clear_sessions.visible(NULL);

-- The runs of a table that is gone are its administrators' to see.
SELECT run('token', '2001-01-02', 'done', 3);
DROP TABLE token;
SET ROLE regress_status_column_reader;
SELECT count(*) FROM raw_clear_sessions.run;
SET ROLE regress_status_monitor;
SELECT count(*) FROM raw_clear_sessions.run WHERE stop IN ('done', 'failed') AND pg_typeof("table") = 'regclass'::regtype;
RESET ROLE;

DELETE FROM raw_clear_sessions.policy;
DELETE FROM raw_clear_sessions.history;
DELETE FROM raw_clear_sessions.state;
SELECT count(*) FROM raw_clear_sessions.status WHERE "table" IS NOT NULL;
DROP SCHEMA status CASCADE;
-- Anybody may call what the view calls, with a text of any length.
SELECT raw_clear_sessions.starts_since(repeat('x', 2000000), 'UTC', now());
SELECT raw_clear_sessions.starts_since('1 h', repeat('x', 2000000), now());

DROP ROLE regress_status_reader, regress_status_column_reader, regress_status_writer, regress_status_monitor, regress_status_statistician, regress_status_stranger;
