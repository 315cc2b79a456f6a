--
-- A HINT shows the call of the function that was called, with all that was said to it, as the session can make it.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA calls;
SET client_min_messages = warning;
CREATE TABLE calls.t (id integer, ends bigint, at timestamptz);
INSERT INTO calls.t VALUES (1, 1, '2001-01-01');
SELECT raw_clear_sessions('calls.t', filter => 'id > 0');
SELECT raw_clear_sessions_preview('calls.t', filter => 'id > 0', exact => true);
SELECT raw_clear_sessions_rewrite('calls.t', expires => 'ends', keep => '0');
CALL raw_clear_sessions_in_batches('calls.t', expires => 'ends', keep => '0', batch_size => 100, max_rows => 1000, max_duration => '1 h');
SELECT raw_clear_sessions_schedule('calls.t', '15 min', expires => 'ends', keep => '0', rewrite_above => 0.5, max_rows => 1000);
SELECT raw_clear_sessions_schedule('calls.t', '0 3 * * *', schedule_time_zone => 'UTC', batch_size => 10, max_duration => '1 h', repack_above => 0);
SELECT raw_clear_sessions_preview(NULL);
-- A value in the table that is none in that unit: the dry run does not lead to a deletion.
UPDATE calls.t SET ends = 1700000000000;
SELECT raw_clear_sessions_preview('calls.t', 'ends', '0', 'seconds');
CALL raw_clear_sessions_in_batches('calls.t', 'ends', '0', 'seconds', batch_size => 1);
-- Where the search_path does not lead to the function, or could to another, its schema is named.
SET search_path = pg_catalog;
SELECT public.raw_clear_sessions_preview('calls.t', 'ends', '0', 'seconds');
CREATE TABLE calls.django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
SELECT call, schedule_call FROM public.raw_clear_sessions_find() WHERE "table" = 'calls.django_session' \gx
SELECT call FROM public.raw_clear_sessions_find() WHERE "table" = 'calls.django_session' \gexec
CREATE FUNCTION calls.raw_clear_sessions_preview(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
SET search_path = calls, public;
SELECT public.raw_clear_sessions_preview('calls.t', 'ends', '0', 'seconds');
RESET search_path;
DROP SCHEMA calls CASCADE;
