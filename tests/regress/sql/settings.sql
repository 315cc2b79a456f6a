--
-- The settings: defaults, units, who may change them, and which values they take
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA settings;
SET search_path = settings, public;
\set SHOW_CONTEXT never
LOAD 'raw_clear_sessions';
SELECT name, boot_val, unit, vartype, context, min_val, max_val, enumvals FROM pg_settings
WHERE name LIKE 'raw\_clear\_sessions.%' ORDER BY name;
-- Each has a description.
SELECT name FROM pg_settings WHERE name LIKE 'raw\_clear\_sessions.%' AND short_desc !~ '\w\.$';
SHOW raw_clear_sessions.lock_timeout;
SHOW raw_clear_sessions.history;
SHOW raw_clear_sessions.log_min_duration;
SHOW raw_clear_sessions.cost_delay;

-- What the worker alone goes by is no session's to change.
SET raw_clear_sessions.databases = 'app';
SET raw_clear_sessions.tables = 'django_session';
SET raw_clear_sessions.schedule = '1 h';
SET raw_clear_sessions.paused = on;
SET raw_clear_sessions.max_workers = 3;
SET raw_clear_sessions.history = '1 day';
SET raw_clear_sessions.vacuum = on;
SET raw_clear_sessions.log_min_duration = 0;
SET raw_clear_sessions.blocking_timeout = 0;
SET raw_clear_sessions.wal_compression = 'on';

-- The limits of a run are, for the procedure, anybody's.
CREATE ROLE regress_settings;
SET ROLE regress_settings;
SET raw_clear_sessions.batch_size = 1000;
SET raw_clear_sessions.cost_delay = 0.5;
SHOW raw_clear_sessions.cost_delay;
SET raw_clear_sessions.cost_delay = '20ms';
SET raw_clear_sessions.cost_limit = 10000;
SET raw_clear_sessions.max_replication_lag = '5s';
SET raw_clear_sessions.max_run_time = '1h';
SET raw_clear_sessions.lock_timeout = '10s';
-- The engine is not, because an audit may rely on it.
SET raw_clear_sessions.engine = sql;
RESET ROLE;
SET raw_clear_sessions.engine = sql;
SET raw_clear_sessions.engine = AUTO;
SELECT name, setting FROM pg_settings WHERE name LIKE 'raw\_clear\_sessions.%' AND source = 'session' ORDER BY name;

-- Zero means no limit, and nothing else does.
SET raw_clear_sessions.max_run_time = '400 us';
SHOW raw_clear_sessions.max_run_time;
SET raw_clear_sessions.max_run_time = '1h';

-- Values that are refused. How a range is put depends on the server's version.
SET raw_clear_sessions.engine = fast;
SET raw_clear_sessions.batch_size = many;
SET raw_clear_sessions.lock_timeout = '1 parsec';
\set VERBOSITY sqlstate
SET raw_clear_sessions.batch_size = 0;
SET raw_clear_sessions.batch_size = 1000001;
SET raw_clear_sessions.cost_delay = -1;
SET raw_clear_sessions.cost_delay = 101;
SET raw_clear_sessions.cost_limit = -1;
SET raw_clear_sessions.cost_limit = 10001;
SET raw_clear_sessions.max_replication_lag = -2;
SET raw_clear_sessions.max_run_time = -1;
SET raw_clear_sessions.lock_timeout = 0;
\set VERBOSITY default
SELECT name, setting FROM pg_settings WHERE name LIKE 'raw\_clear\_sessions.%' AND source = 'session' ORDER BY name;

-- Into the configuration file comes no bad value either.
CREATE FUNCTION file() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s = %s', name, setting) FROM pg_file_settings WHERE name LIKE 'raw\_clear\_sessions%' ORDER BY name
$$;
ALTER SYSTEM SET raw_clear_sessions.databases = 'a b';
ALTER SYSTEM SET raw_clear_sessions.databases = 'app,';
ALTER SYSTEM SET raw_clear_sessions.databases = '*, app';
ALTER SYSTEM SET raw_clear_sessions.databases = '"app';
ALTER SYSTEM SET raw_clear_sessions.databases = 'app.public';
ALTER SYSTEM SET raw_clear_sessions.tables = '*';
ALTER SYSTEM SET raw_clear_sessions.tables = 'a.b.c';
ALTER SYSTEM SET raw_clear_sessions.tables = 'django_session;';
ALTER SYSTEM SET raw_clear_sessions.tables = 'one, , two';
ALTER SYSTEM SET raw_clear_sessions.tables = '""';
ALTER SYSTEM SET raw_clear_sessions.schedule = '';
ALTER SYSTEM SET raw_clear_sessions.schedule = '15';
ALTER SYSTEM SET raw_clear_sessions.schedule = '-15 min';
ALTER SYSTEM SET raw_clear_sessions.schedule = '0 0 30 2 *';
ALTER SYSTEM SET raw_clear_sessions.schedule = '* * * * * *';
ALTER SYSTEM SET raw_clear_sessions.paused = maybe;
ALTER SYSTEM SET raw_clear_sessions.history = '7 dayz';
\set VERBOSITY sqlstate
ALTER SYSTEM SET raw_clear_sessions.max_workers = 0;
ALTER SYSTEM SET raw_clear_sessions.max_workers = 65;
ALTER SYSTEM SET raw_clear_sessions.history = -1;
ALTER SYSTEM SET raw_clear_sessions.log_min_duration = -2;
\set VERBOSITY default
ALTER SYSTEM SET raw_clear_sessions.wal_compression = 'brotli';
ALTER SYSTEM SET raw_clear_sessions.wal_compression = '';
SELECT file();

-- Misspelt names are refused, also where they are set before the library is loaded.
SET raw_clear_sessions.bach_size = 1;
SHOW raw_clear_sessions.database;
ALTER ROLE regress_settings SET raw_clear_sessions.tabels = 'django_session';
\c -
SET raw_clear_sessions.bach_size = 1;
LOAD 'raw_clear_sessions';
SHOW raw_clear_sessions.bach_size;
\set SHOW_CONTEXT never
SET search_path = settings, public;

-- What is right is taken: lists with quotes, blanks and duplicates, every form of a schedule.
ALTER SYSTEM SET raw_clear_sessions.databases = ' app, "My ""db""",App , "*" ';
ALTER SYSTEM SET raw_clear_sessions.tables = 'django_session, "Web".sessions';
ALTER SYSTEM SET raw_clear_sessions.schedule = '@daily';
ALTER SYSTEM SET raw_clear_sessions.schedule = '*/15 2-4 * * MON-FRI';
ALTER SYSTEM SET raw_clear_sessions.schedule = '1 h 30 min';
ALTER SYSTEM SET raw_clear_sessions.paused = on;
ALTER SYSTEM SET raw_clear_sessions.max_workers = 64;
ALTER SYSTEM SET raw_clear_sessions.history = '1 d';
ALTER SYSTEM SET raw_clear_sessions.vacuum = on;
ALTER SYSTEM SET raw_clear_sessions.log_min_duration = -1;
ALTER SYSTEM SET raw_clear_sessions.wal_compression = 'pglz';
SELECT file();
ALTER SYSTEM RESET raw_clear_sessions.databases;
ALTER SYSTEM RESET raw_clear_sessions.tables;
ALTER SYSTEM RESET raw_clear_sessions.schedule;
ALTER SYSTEM RESET raw_clear_sessions.paused;
ALTER SYSTEM RESET raw_clear_sessions.max_workers;
ALTER SYSTEM RESET raw_clear_sessions.history;
ALTER SYSTEM RESET raw_clear_sessions.vacuum;
ALTER SYSTEM RESET raw_clear_sessions.log_min_duration;
ALTER SYSTEM RESET raw_clear_sessions.wal_compression;
SELECT file();

--
-- The procedure goes by the limits of a run.
--
\c -
SET search_path = settings, public;
\set SHOW_CONTEXT never
-- Four rows fill a block; a trigger tells the batches, which end with a block.
CREATE TABLE session (id integer, expires timestamptz, data text);
ALTER TABLE session ALTER data SET STORAGE PLAIN;
CREATE TABLE seen (batch xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO settings.seen DEFAULT VALUES; RETURN OLD; END $$;
CREATE TRIGGER see BEFORE DELETE ON session FOR EACH ROW EXECUTE FUNCTION see();
CREATE PROCEDURE fill() LANGUAGE sql AS $$
    TRUNCATE settings.session, settings.seen;
    INSERT INTO settings.session SELECT i, '2020-01-01', repeat('x', 1900) FROM generate_series(1, 80) AS i;
$$;
CALL fill();
-- A setting counts that was made before the library was loaded, by this call.
SET raw_clear_sessions.batch_size = 4;
SET raw_clear_sessions.cost_delay = 0;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', max_rows => 16);
SELECT count(*), count(DISTINCT batch) FROM seen;
-- A parameter comes before the setting.
CALL fill();
CALL raw_clear_sessions_in_batches('session', expires => 'expires', max_rows => 16, batch_size => 8);
SELECT count(*), count(DISTINCT batch) FROM seen;
-- A value that is out of range is given up when the library is loaded.
\c -
SET search_path = settings, public;
\set SHOW_CONTEXT never
SET raw_clear_sessions.batch_size = 0;
LOAD 'raw_clear_sessions';
SHOW raw_clear_sessions.batch_size;
SET raw_clear_sessions.batch_size = 4;

-- A budget of time ends it: that of the call, or else that of the setting.
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN OLD; END $$;
CREATE TRIGGER linger BEFORE DELETE ON session FOR EACH ROW EXECUTE FUNCTION linger();
CALL fill();
CALL raw_clear_sessions_in_batches('session', expires => 'expires', max_duration => '10 ms');
CREATE PROCEDURE clear_in_time(INOUT ended_early boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    CALL public.raw_clear_sessions_in_batches('settings.session', expires => 'expires', deleted => deleted);
    ended_early := deleted > 0 AND EXISTS (SELECT FROM settings.session);
END
$$;
SET raw_clear_sessions.max_run_time = 1;
CALL fill();
-- How many rows that are depends on the machine.
SET client_min_messages = warning;
CALL clear_in_time();
RESET client_min_messages;
-- The function is one transaction, with no budget.
DROP TRIGGER linger ON session;
SELECT raw_clear_sessions('session', expires => 'expires') > 0 AS deleted;
SELECT count(*) FROM session;
SET client_min_messages = warning;
DROP SCHEMA settings CASCADE;
DROP ROLE regress_settings;
