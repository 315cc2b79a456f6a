--
-- A hostile search_path: operators and functions that lie in front of pg_catalog, and in pg_temp, are not used. Each of
-- them would have live rows deleted, or says that it was called.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA search_path_test;
SET search_path = search_path_test, public;
SET client_min_messages = warning;

CREATE TABLE sessions (id integer, at timestamptz, naive timestamp, day date, secs bigint, small integer, f8 float8, num numeric);
INSERT INTO sessions SELECT n, instant, instant AT TIME ZONE 'UTC', instant::date, extract(epoch FROM instant),
    extract(epoch FROM instant), extract(epoch FROM instant), extract(epoch FROM instant)
FROM unnest(ARRAY[-3, -2, 2, 3]) AS n, LATERAL (SELECT now() + n * interval '3 days') AS t(instant);

CREATE SCHEMA hostile;
DO $$
DECLARE
    operator record;
    name text;
BEGIN
    -- every comparison that a time or a number takes part in: always true
    FOR operator IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r FROM pg_operator
        WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname IN ('<', '>', '<=', '>=', '=', '<>')
        AND oprleft::regtype::text ~ '^(timestamp|date|integer|bigint|smallint|double|numeric)'
        AND oprright::regtype::text ~ '^(timestamp|date|integer|bigint|smallint|double|numeric)' LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION hostile.lie(%s, %s) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT true''',
            operator.l, operator.r);
        EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.lie, LEFTARG = %s, RIGHTARG = %s)',
            operator.oprname, operator.l, operator.r);
    END LOOP;
    -- the functions that a preview or a condition could need
    FOREACH name IN ARRAY ARRAY['isfinite(timestamptz)', 'isfinite(timestamp)', 'isfinite(date)', 'to_timestamp(float8)', 'now()',
        'timezone(text, timestamp)', 'to_json(anyelement)', 'to_jsonb(anyelement)', 'pg_table_size(regclass)',
        'raw_clear_sessions_preview(regclass)', 'max(tid)'] LOOP
        EXECUTE format('CREATE FUNCTION hostile.%s RETURNS text LANGUAGE plpgsql AS %L', name,
            format('BEGIN RAISE ''hostile %s was called''; END', name));
    END LOOP;
    CREATE AGGREGATE hostile.count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '1000000');
    CREATE AGGREGATE hostile.min(timestamptz) (SFUNC = timestamptz_larger, STYPE = timestamptz);
    -- relations and types, which are looked up in pg_temp even before pg_catalog
    CREATE TEMPORARY TABLE pg_class (oid oid, relname text);
    CREATE TEMPORARY TABLE pg_extension (extname text);
    CREATE TEMPORARY TABLE sessions (id integer, at timestamptz);
    INSERT INTO pg_temp.sessions VALUES (100, '2001-01-01');
    CREATE DOMAIN pg_temp.timestamptz AS text;
    CREATE DOMAIN pg_temp.float8 AS text;
    CREATE DOMAIN pg_temp.timestamp AS text;
END
$$;
CREATE FUNCTION cleared(parameters text, engine text, OUT counted text, OUT oldest boolean, OUT deleted bigint, OUT remaining text)
LANGUAGE plpgsql AS $$
DECLARE
    preview jsonb;
BEGIN
    PERFORM set_config('raw_clear_sessions.engine', engine, true), set_config('search_path', 'hostile, pg_catalog', true);
    EXECUTE format('SELECT public.raw_clear_sessions_preview(''search_path_test.sessions'', %s, exact => true)', parameters)
        INTO preview;
    EXECUTE format('SELECT public.raw_clear_sessions(''search_path_test.sessions'', %s)', parameters) INTO deleted;
    PERFORM set_config('search_path', 'pg_catalog', true);
    counted := format('%s of %s', preview ->> 'expired_rows', preview ->> 'total_rows');
    oldest := pg_catalog.now() - (preview ->> 'oldest_expired')::pg_catalog.timestamptz BETWEEN '8 days' AND '11 days';
    remaining := string_agg(id::text, ' ' ORDER BY id) FROM search_path_test.sessions;
    RAISE SQLSTATE 'ZZ000'; -- to be undone
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    NULL;
END
$$;
BEGIN;
SET LOCAL search_path = hostile, pg_catalog;
SELECT 2 < 1 AS lie;
ROLLBACK;
SELECT parameters, engine, cleared.* FROM (VALUES
    (1, $$'at'$$), (2, $$'naive', time_zone => 'UTC'$$), (3, $$'day', time_zone => 'UTC'$$), (4, $$'secs', unit => 'seconds'$$),
    (5, $$'small', unit => 'seconds'$$), (6, $$'f8', unit => 'seconds'$$), (7, $$'num', unit => 'seconds'$$),
    (8, $$'at', keep => '1 hour'$$)
) AS t(n, parameters), unnest(ARRAY['auto', 'sql']) AS engine, cleared(parameters, engine) ORDER BY n, engine;

-- Session tables are found all the same: with the columns that they have, and no others.
CREATE TABLE django_session (session_key varchar(40), session_data text NOT NULL, expire_date pg_catalog.timestamptz NOT NULL);
BEGIN;
SET LOCAL search_path = hostile, pg_catalog;
SELECT name, framework FROM raw_clear_sessions.found() WHERE name LIKE 'search\_path\_test.%';
ROLLBACK;

-- An expression and a filter are the caller's own SQL: they mean what they mean to the caller.
BEGIN;
SET LOCAL search_path = pg_catalog;
SELECT public.raw_clear_sessions('search_path_test.sessions', expires => 'greatest(at, at)', filter => 'id < -2');
ROLLBACK;
BEGIN;
SET LOCAL search_path = hostile, pg_catalog;
SELECT public.raw_clear_sessions('search_path_test.sessions', expires => 'greatest(at, at)', filter => 'id < -2');
ROLLBACK;

-- A temporary table hides another of its name, as everywhere.
SELECT raw_clear_sessions('sessions', expires => 'at');
SELECT id FROM pg_temp.sessions;

\set VERBOSITY terse
DISCARD TEMP;
DROP SCHEMA hostile CASCADE;
DROP SCHEMA search_path_test CASCADE;
