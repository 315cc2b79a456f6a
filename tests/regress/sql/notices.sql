--
-- NOTICEs of how far a call is, for who asks for them
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA notices;
SET search_path = notices, public;
\set SHOW_CONTEXT never
LOAD 'raw_clear_sessions';

-- What a session may set: zero, or a time that somebody can read in.
SELECT name, setting, unit, context, vartype, min_val, max_val FROM pg_settings WHERE name = 'raw_clear_sessions.progress_interval';
SET raw_clear_sessions.progress_interval = '10 s';
SHOW raw_clear_sessions.progress_interval;
SET raw_clear_sessions.progress_interval = 10;
SET raw_clear_sessions.progress_interval = '99 ms';
\set VERBOSITY sqlstate
SET raw_clear_sessions.progress_interval = -1;
\set VERBOSITY default
SET raw_clear_sessions.progress_interval = 'often';
SHOW raw_clear_sessions.progress_interval;

-- One DELETE clears the table: that is said at once, because nothing else can be.
CREATE TABLE session AS SELECT 1 AS id, timestamptz '2020-01-01' AS expires;
SELECT raw_clear_sessions('session', expires => 'expires', filter => 'id > 0');
SET raw_clear_sessions.progress_interval = '1 d';
-- Before the time is over there is nothing to say.
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
SELECT raw_clear_sessions('session', expires => 'expires');
SELECT raw_clear_sessions_rewrite('session', expires => 'expires');
-- Who does not ask hears nothing.
RESET raw_clear_sessions.progress_interval;
SELECT raw_clear_sessions('session', expires => 'expires', filter => 'id > 0');

SET client_min_messages = warning;
DROP SCHEMA notices CASCADE;
