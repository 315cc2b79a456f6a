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

-- What a table's runs come to.
CREATE FUNCTION run("table" regclass, day date, stop text, deleted bigint, error text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO raw_clear_sessions.run ("table", started, ended, stop, deleted, error, sqlstate, pid)
    VALUES ("table", day + time '01:00', CASE WHEN stop IS NOT NULL THEN day + time '02:00' END, stop, deleted, error,
        CASE WHEN error IS NOT NULL THEN '55P03' END, 1)
$$;
UPDATE raw_clear_sessions.policy SET changed = '2000-01-01';
SET timezone = 'UTC';
CREATE VIEW shown AS
SELECT "table", last_start, last_success, cleared_until, last_stop, last_deleted, expired_left, total_deleted, failures,
    last_error, last_sqlstate
FROM raw_clear_sessions.status ORDER BY "table"::text;
SELECT run('django_session', '2001-01-01', 'done', 10);
SELECT run('django_session', '2001-01-02', 'max_rows', 5);
SELECT * FROM shown;
SELECT run('django_session', '2001-01-03', 'failed', 0, 'canceling statement due to lock timeout');
SELECT run('django_session', '2001-01-04', 'interrupted', 0);
SELECT run('django_session', '2001-01-05', 'failed', 0, 'it failed again');
SELECT * FROM shown;
-- Failures before the policy was replaced are not this one's.
BEGIN;
SELECT raw_clear_sessions_schedule('django_session', '1 h');
SELECT * FROM shown;
ROLLBACK;
-- A success ends the failures; the last error stays to be read.
SELECT run('django_session', '2001-01-06', 'paused', 1);
SELECT * FROM shown;
-- What a limit has left behind is the last run's to say, and not of a run before it.
UPDATE raw_clear_sessions.run SET stop = 'max_rows', details = '{"expired_left": 7}' WHERE stop = 'paused';
SELECT * FROM shown;
-- One that is running, by its row
SELECT run('django_session', '2001-01-07', NULL, NULL);
SELECT * FROM shown;

-- How many starts were due since the last success began; not those before the policy was replaced.
BEGIN;
DELETE FROM raw_clear_sessions.run;
CREATE VIEW due AS
SELECT "table", starts_since_success FROM raw_clear_sessions.status WHERE "table" = 'django_session'::regclass;
SELECT raw_clear_sessions_schedule('django_session', '1 day');
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET changed = now() - interval '25 hours';
SELECT * FROM due;
INSERT INTO raw_clear_sessions.run ("table", started, ended, stop, pid)
VALUES ('django_session', now() - interval '73 hours', now() - interval '73 hours', 'done', 1),
    ('django_session', now() - interval '2 hours', now() - interval '2 hours', 'failed', 1);
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET changed = '2000-01-01';
SELECT * FROM due;
UPDATE raw_clear_sessions.policy SET schedule = '* * * * *';
SELECT * FROM due;
ROLLBACK;
-- A table of the setting counts from its first run.
SELECT raw_clear_sessions.starts_since('1 day', now() - interval '50 hours'), raw_clear_sessions.starts_since('1 day', NULL),
    raw_clear_sessions.starts_since('never', now()), raw_clear_sessions.starts_since('1 day', 'infinity');

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
GRANT SELECT (id) ON token TO regress_status_column_reader;
GRANT INSERT, UPDATE, DELETE ON django_session TO regress_status_writer;
SELECT run('token', '2001-01-01', 'failed', 0, 'a secret');
CREATE FUNCTION seen(OUT role name, OUT status text, OUT run text) LANGUAGE sql AS $$
    SELECT current_user,
        (SELECT string_agg(coalesce("table"::text, '(note)'), ', ' ORDER BY "table"::text) FROM raw_clear_sessions.status),
        (SELECT string_agg(DISTINCT "table"::text, ', ') FROM raw_clear_sessions.run)
$$;
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
DELETE FROM raw_clear_sessions.run;
SELECT count(*) FROM raw_clear_sessions.status WHERE "table" IS NOT NULL;
DROP SCHEMA status CASCADE;
DROP ROLE regress_status_reader, regress_status_column_reader, regress_status_writer, regress_status_monitor, regress_status_statistician, regress_status_stranger;
