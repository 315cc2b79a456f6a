--
-- What raw_clear_sessions refuses, and what it says then. Nothing is deleted in any of these cases.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA errors;
SET search_path = errors, public;
SET timezone = 'UTC';

-- A table that would be cleared, were it named rightly: each has an expired row.
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session VALUES ('expired', '', now() - interval '1 day'), ('live', '', now() + interval '1 day');
CREATE TABLE laravel (id varchar PRIMARY KEY, user_id bigint, ip_address varchar(45), user_agent text, payload text NOT NULL, last_activity integer NOT NULL);
INSERT INTO laravel VALUES ('old', NULL, NULL, NULL, '', extract(epoch FROM now() - interval '30 days'));
CREATE TABLE connect_pg (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
INSERT INTO connect_pg VALUES ('expired', '{}', now() - interval '3 days');
CREATE TABLE types (
    id integer, "Ends" timestamptz, naive timestamp, day date, secs bigint, millis bigint, millis_float float8,
    txt text, js json, jsb jsonb, bin bytea, span interval, flag boolean, clock time, single real, cash money,
    uid uuid, many timestamptz[], during tstzrange
);
INSERT INTO types (id, "Ends", naive, day, secs, millis, millis_float)
SELECT 1, past, past, past, extract(epoch FROM past), extract(epoch FROM past) * 1000, extract(epoch FROM past) * 1000
FROM (SELECT now() - interval '3 days') AS t(past);
INSERT INTO types (id, txt) VALUES (2, 'soon');
CREATE TABLE users (id integer, name text);
INSERT INTO users VALUES (1, 'a user');
CREATE TABLE subscription (id integer, user_id integer, expires_at timestamptz, last_paid date, created_at timestamptz);
INSERT INTO subscription VALUES (1, 1, '2020-01-01', '2019-01-01', '2019-01-01');

CREATE FUNCTION refusals(calls text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    call text;
    kept CONSTANT text := 'SELECT (SELECT count(*) FROM errors.django_session) + (SELECT count(*) FROM errors.laravel)
        + (SELECT count(*) FROM errors.connect_pg) + (SELECT count(*) FROM errors.types)
        + (SELECT count(*) FROM errors.users) + (SELECT count(*) FROM errors.subscription)';
BEGIN
    FOREACH call IN ARRAY calls LOOP
        RETURN NEXT '';
        RETURN NEXT format('raw_clear_sessions(%s)', call);
        RETURN QUERY SELECT '    ' || line FROM test.refusal(format('raw_clear_sessions(%s)', call), kept) AS line;
    END LOOP;
END
$$;
\pset tuples_only
\pset format unaligned

-- What is not a table with sessions in it.
CREATE VIEW v AS SELECT * FROM django_session;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM django_session;
CREATE SEQUENCE seq;
CREATE TYPE composite AS (session_key text, session_data text, expire_date timestamptz);
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY RANGE (expires);
CREATE INDEX parted_expires ON parted (expires);
SELECT refusals(ARRAY[
    $$NULL$$,
    $$'v'$$,
    $$'mv'$$,
    $$'seq'$$,
    $$'django_session_pkey'$$,
    $$'parted_expires'$$,
    $$'composite'$$,
    $$'pg_catalog.pg_class'$$,
    $$'pg_catalog.pg_authid', expires => 'rolvaliduntil'$$,
    $$4294967295$$,
    $$'no_such_table'$$
]);
SELECT regexp_replace(line, '_\d+', '_N') FROM test.refusal(format('raw_clear_sessions(%L)', (
    SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'django_session'::regclass))) AS line;

-- Another session's temporary table: its rows are in that session's memory.
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('dbname=%L host=%L port=%s user=%L', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('other', 'CREATE TEMPORARY TABLE theirs (session_key text, session_data text, expire_date timestamptz)');
SELECT line FROM pg_class, test.refusal(format('raw_clear_sessions(%s)', oid)) AS line WHERE relname = 'theirs';
SELECT dblink_disconnect('other');

-- A table that is not a framework's, or could be that of more than one: the columns that could be meant are named.
CREATE TABLE both_ways (id text, data bytea, expiry_date timestamptz, expires integer);
SELECT refusals(ARRAY[
    $$'users'$$,
    $$'subscription'$$,
    $$'types'$$,
    $$'both_ways'$$
]);

-- A framework whose column says when a session was last used, or made: its lifetime is in the application.
CREATE TABLE users_tokens (id bigint, token bytea, context text, sent_to text, inserted_at timestamp(0));
SELECT refusals(ARRAY[
    $$'laravel'$$,
    $$'users_tokens'$$
]);

-- Columns that do not exist, and names that are not the column's exact name.
SELECT refusals(ARRAY[
    $$'types', expires => 'ends'$$,
    $$'types', expires => 'Ends '$$,
    $$'types', expires => 'expires'$$,
    $$'users', expires => 'expires'$$,
    $$'types', expires => 'types.expires'$$,
    $$'types', expires => 'other.secs'$$,
    $$'types', expires => ''$$,
    $$'types', expires => ' '$$
]);

-- Columns that cannot say when a row expires.
SELECT refusals(array_agg(format($$'types', expires => %L$$, column_name)))
FROM unnest(ARRAY['txt', 'js', 'jsb', 'bin', 'span', 'flag', 'clock', 'single', 'cash', 'uid', 'many', 'during',
    'ctid', 'xmin', 'tableoid']) AS column_name;

-- Numbers without unit, times without zone, and the reverse.
SELECT refusals(ARRAY[
    $$'types', expires => 'secs'$$,
    $$'types', expires => 'naive'$$,
    $$'types', expires => 'day'$$,
    $$'connect_pg'$$,
    $$'types', expires => 'secs', unit => 's'$$,
    $$'types', expires => 'secs', unit => 'minutes'$$,
    $$'types', expires => 'secs', unit => ''$$,
    $$'types', expires => 'naive', time_zone => 'Middle/Earth'$$,
    $$'types', expires => 'naive', time_zone => ''$$,
    $$'types', expires => 'naive', time_zone => 'CEST'$$,
    $$'types', expires => 'naive', time_zone => '<0>'$$,
    $$'types', expires => '"Ends"', unit => 'seconds'$$,
    $$'types', expires => 'naive', unit => 'seconds'$$,
    $$'types', expires => '"Ends"', time_zone => 'UTC'$$,
    $$'types', expires => 'secs', time_zone => 'UTC', unit => 'seconds'$$,
    $$'django_session', unit => 'seconds'$$,
    $$'django_session', time_zone => 'UTC'$$
]);

-- Times to keep that are negative, in whatever part, or lead out of the calendar.
SELECT refusals(ARRAY[
    $$'django_session', keep => '-1 day'$$,
    $$'django_session', keep => '-1 microsecond'$$,
    $$'django_session', keep => '1 day -25 hours'$$,
    $$'django_session', keep => '-1 year 360 days'$$,
    $$'django_session', keep => '1 month -31 days'$$,
    $$'django_session', keep => '-300000 years'$$,
    $$'django_session', keep => '300000 years'$$,
    $$'django_session', keep => '2147483647 months'$$
]);
-- What an infinite interval is stored as: PostgreSQL knows the word since version 17, and reads these numbers before it.
SELECT CASE WHEN current_setting('server_version_num')::integer < 170000
    THEN '178956970 years 7 months 2147483647 days 2562047788:00:54.775807' ELSE 'infinity' END AS forever \gset
SELECT test.refusal(format('raw_clear_sessions(%L, keep => %L)', 'django_session', :'forever'));

-- Milliseconds read as seconds, the reverse, and other numbers that are no instant.
CREATE TABLE symfony (sess_id text, sess_data bytea, sess_lifetime integer, sess_time integer);
INSERT INTO symfony VALUES ('of Symfony 4.3', '', 1440, extract(epoch FROM now() - interval '3 days'));
SELECT refusals(ARRAY[
    $$'types', expires => 'id + 1440', unit => 'seconds'$$,
    $$'symfony'$$
]);
SELECT regexp_replace(line, 'value \d+(\.\d+)?', 'value N') FROM refusals(ARRAY[
    $$'types', expires => 'millis', unit => 'seconds'$$,
    $$'types', expires => 'secs', unit => 'milliseconds'$$,
    $$'types', expires => 'secs', unit => 'microseconds'$$,
    $$'types', expires => 'millis_float', unit => 'seconds'$$,
    $$'types', expires => 'millis * 10', unit => 'milliseconds'$$
]) AS line;

-- Expressions: one, over the table's own columns, of a time type or a number, the same at each evaluation.
SELECT refusals(ARRAY[
    $$'types', expires => '"Ends" +'$$,
    $$'types', expires => 'no_such_function("Ends")'$$,
    $$'types', expires => 'txt || ''x'''$$,
    $$'types', expires => 'txt::timestamptz + ''x'''$$,
    $$'types', expires => 'now()'$$,
    $$'types', expires => 'NULL'$$,
    $$'types', expires => '$1'$$,
    $$'types', expires => 't'$$,
    $$'types', expires => 'types'$$,
    $$'types', expires => 't.*'$$,
    $$'types', expires => '*'$$,
    $$'types', expires => '"Ends", naive'$$,
    $$'types', expires => '"Ends" AS expires'$$,
    $$'types', expires => '"Ends" FROM errors.types'$$,
    $$'types', expires => '"Ends" WHERE true'$$,
    $$'types', expires => '"Ends" UNION SELECT now()'$$,
    $$'types', expires => '"Ends"; DELETE FROM errors.types'$$,
    $$'types', expires => '"Ends") OR (true'$$,
    $$'types', expires => '(SELECT max("Ends") FROM errors.types)'$$,
    $$'types', expires => 'CASE WHEN EXISTS (SELECT 1) THEN "Ends" END'$$,
    $$'types', expires => 'max("Ends")'$$,
    $$'types', expires => 'lag("Ends") OVER ()'$$,
    $$'types', expires => 'generate_series("Ends", now(), ''1 day'')'$$,
    $$'types', expires => '"Ends" + random() * interval ''1 day'''$$,
    $$'types', expires => 'clock_timestamp() + span'$$,
    $$'types', expires => 'secs + nextval(''errors.seq'')', unit => 'seconds'$$,
    $$'types', expires => 'secs / (id - 1)', unit => 'seconds'$$,
    $$'types', expires => 'secs * 9223372036854775807', unit => 'seconds'$$,
    $$'types', expires => 'txt::timestamptz'$$,
    $$'types', expires => 'txt::timestamptz', time_zone => 'UTC'$$
]);

-- Filters: conditions, under the same restrictions.
SELECT refusals(ARRAY[
    $$'django_session', filter => 'session_key'$$,
    $$'django_session', filter => '1'$$,
    $$'django_session', filter => ''$$,
    $$'django_session', filter => 'no_such_column = 1'$$,
    $$'django_session', filter => 'true; DELETE FROM errors.django_session'$$,
    $$'django_session', filter => 'true) OR (true'$$,
    $$'django_session', filter => 'session_key IN (SELECT session_key FROM errors.django_session)'$$,
    $$'django_session', filter => 'count(*) > 0'$$,
    $$'django_session', filter => 'random() < 2'$$,
    $$'django_session', filter => '1 / length(session_data) = 1'$$
]);

-- The preview refuses what the call refuses.
SELECT test.refusal($$raw_clear_sessions_preview('users')$$);
SELECT test.refusal($$raw_clear_sessions_preview(NULL)$$);
SELECT test.refusal($$raw_clear_sessions_preview('v')$$);
\pset tuples_only off
\pset format aligned

-- Settings that do not exist, or not with that value.
SET raw_clear_sessions.engine = 'fast';
SET raw_clear_sessions.engin = 'sql';

-- After all of this, every row is still there.
SELECT session_key FROM django_session ORDER BY 1;

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA errors CASCADE;
