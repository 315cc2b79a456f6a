--
-- What the column may be: every type and unit, domains, naive times in a zone, and columns with a history. Each case
-- runs through the heap pass, through the index pass, and through SQL, and has to leave the same rows.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA columns;
SET search_path = columns, public;
SET client_min_messages = warning;
SET timezone = 'America/New_York';

CREATE DOMAIN checked AS bigint CHECK (value >= 0);
CREATE DOMAIN domain_over_domain AS checked NOT NULL;
CREATE DOMAIN instant AS timestamptz CHECK (value > '1950-01-01');
CREATE DOMAIN wall_time AS timestamp(3);

-- Fills a table with a column of the type: markers for "never", given as an array, and these instants, the first of them
-- before 2000, where PostgreSQL counts from, turned into the type by the conversion. Then clears it in all three ways, and
-- returns what remained if they agree.
CREATE FUNCTION cleared(type text, conversion text, never text[], arguments text DEFAULT '', OUT engines text, OUT remaining text)
LANGUAGE plpgsql AS $$
DECLARE
    way record;
    outcome text;
    deleted bigint;
BEGIN
    FOR way IN SELECT * FROM (VALUES (1, 'off', 'on', 'auto'), (2, 'on', 'off', 'auto'), (3, 'on', 'on', 'sql'))
        AS t(n, indexes, scans, engine) ORDER BY n LOOP
        DROP TABLE IF EXISTS columns.target;
        EXECUTE format('CREATE TABLE columns.target (name text, value %s)', type);
        CREATE INDEX ON columns.target (value);
        EXECUTE format('INSERT INTO columns.target SELECT name, %s FROM (VALUES
            (''-20 years'', now() - interval ''20 years''), (''-2 days'', now() - interval ''2 days''),
            (''+2 days'', now() + interval ''2 days''), (''+9 years'', now() + interval ''9 years'')) AS t(name, instant)', conversion);
        EXECUTE format('INSERT INTO columns.target SELECT never, never::%s FROM unnest($1) AS never', type) USING never;
        PERFORM set_config('enable_indexscan', way.indexes, true), set_config('enable_bitmapscan', way.indexes, true),
            set_config('enable_seqscan', way.scans, true), set_config('raw_clear_sessions.engine', way.engine, true);
        EXECUTE format('SELECT concat_ws('', '', engines, p ->> ''engine'' || coalesce('' '' || substring(p ->> ''why'' FROM ''index''), ''''))
            FROM (SELECT $1 AS engines, raw_clear_sessions_preview(''columns.target'', ''value'' %s) AS p) AS t', arguments)
            INTO engines USING engines;
        EXECUTE format('SELECT raw_clear_sessions(''columns.target'', ''value'' %s)', arguments) INTO deleted;
        SELECT string_agg(coalesce(name, 'NULL'), ', ' ORDER BY value, name) INTO outcome FROM columns.target;
        IF outcome IS DISTINCT FROM coalesce(remaining, outcome) OR deleted <> 2 THEN
            RAISE WARNING '% % through %: deleted %, remaining %', type, arguments, engines, deleted, outcome;
        END IF;
        remaining := outcome;
    END LOOP;
END
$$;

-- Instants
SELECT type, outcome.* FROM (VALUES
    ('timestamptz', '{NULL, infinity, -infinity}'::text[]),
    ('timestamptz(0)', '{NULL, infinity, -infinity}'),
    ('instant', '{NULL, infinity}')
) AS t(type, never), cleared(type, 'instant', never) AS outcome;

-- Numbers: 0, the least and the largest values, the infinities and NaN mean "never".
SELECT type, unit, outcome.* FROM (VALUES
    (1, 'int4', 'seconds', '{NULL, 0, -2147483648, 2147483647}'::text[]),
    (2, 'int8', 'seconds', '{NULL, 0, -9223372036854775808, 9223372036854775807}'),
    (3, 'int8', 'milliseconds', '{NULL, 0, -9223372036854775808, 9223372036854775807}'),
    (4, 'int8', 'microseconds', '{NULL, 0, -9223372036854775808, 9223372036854775807}'),
    (5, 'float8', 'seconds', '{NULL, 0, -0, -Infinity, Infinity, NaN}'),
    (6, 'float8', 'milliseconds', '{NULL, 0, -0, -Infinity, Infinity, NaN}'),
    (7, 'float8', 'microseconds', '{NULL, 0, -0, -Infinity, Infinity, NaN}'),
    (8, 'numeric', 'seconds', '{NULL, 0, -Infinity, Infinity, NaN}'),
    (9, 'numeric(20,3)', 'milliseconds', '{NULL, 0}'),
    (10, 'numeric', 'microseconds', '{NULL, 0, -Infinity, Infinity, NaN}'),
    (11, 'checked', 'milliseconds', '{NULL, 0, 9223372036854775807}'),
    (12, 'domain_over_domain', 'SECONDS', '{0, 9223372036854775807}')
) AS t(n, type, unit, never), cleared(type, format('extract(epoch FROM instant) * %s',
    CASE lower(unit) WHEN 'seconds' THEN 1 WHEN 'milliseconds' THEN 1000 ELSE 1000000 END), never,
    format(', unit => %L', unit)) AS outcome ORDER BY n;
-- A smallint holds only the first nine hours of 1970, in which nobody had a session.
CREATE TABLE small (value smallint);
SELECT raw_clear_sessions('small', expires => 'value', unit => 'seconds');

-- Naive times, in zones on both sides of the day's edge, as PostgreSQL converts them
SELECT type, zone, outcome.* FROM unnest(ARRAY['UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'Etc/GMT+12', 'Asia/Kathmandu'])
    WITH ORDINALITY AS z(zone, n),
    (VALUES (1, 'timestamp'), (2, 'wall_time'), (3, 'date')) AS t(m, type),
    cleared(type, format('instant AT TIME ZONE %L', zone), '{NULL, infinity, -infinity}', format(', time_zone => %L', zone))
    AS outcome ORDER BY m, n;
-- A date counts until its day is over.
CREATE TABLE days (day date);
INSERT INTO days SELECT (now() AT TIME ZONE 'UTC')::date + n FROM unnest(ARRAY[-9, -7, -2, 1, 2]) AS n;
SELECT raw_clear_sessions('days', expires => 'day', time_zone => 'UTC', keep => '4 days');
SELECT raw_clear_sessions('days', expires => 'day', time_zone => 'UTC');
-- The session's own zone has no part in this.
CREATE TABLE naive (at timestamp);
INSERT INTO naive SELECT (now() AT TIME ZONE 'UTC') + n * interval '1 hour' FROM unnest(ARRAY[-30, -10, -1, 1, 10, 30]) AS n;
BEGIN;
SELECT raw_clear_sessions('naive', expires => 'at', time_zone => 'UTC');
ROLLBACK;
BEGIN;
SELECT raw_clear_sessions('naive', expires => 'at', time_zone => 'Etc/GMT-5');
ROLLBACK;
SELECT raw_clear_sessions('naive', expires => 'at', time_zone => 'Etc/GMT+5');

-- Columns added later: old rows have the default, without being written again.
CREATE TABLE added (id integer);
INSERT INTO added SELECT generate_series(1, 3);
ALTER TABLE added ADD live timestamptz DEFAULT '3000-01-01', ADD expired timestamptz DEFAULT '2001-01-01',
    ADD none timestamptz, ADD secs bigint DEFAULT 1000000000, ADD float8 float8 DEFAULT 1e9, ADD day date DEFAULT '2001-01-01';
INSERT INTO added (id, expired, secs, float8, day) VALUES (4, NULL, 0, 0, NULL);
CREATE FUNCTION added_cleared(arguments text, OUT deleted bigint, OUT remaining text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT raw_clear_sessions(''columns.added'', %s)', arguments) INTO deleted;
    SELECT string_agg(id::text, ' ' ORDER BY id) INTO remaining FROM columns.added;
    RAISE EXCEPTION USING errcode = 'ZZ000'; -- to be undone
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    NULL;
END
$$;
SELECT arguments, added_cleared.* FROM unnest(ARRAY[$$'live'$$, $$'expired'$$, $$'none'$$, $$'secs', unit => 'seconds'$$,
    $$'float8', unit => 'seconds'$$, $$'day', time_zone => 'UTC'$$]) AS arguments, added_cleared(arguments);

-- Columns behind others that are NULL, wide, compressed, dropped or toasted; and a generated one
CREATE TABLE wide (id integer, gone text, a text, b numeric, c boolean, d integer[], e char, expires timestamptz,
    expires_s integer, expires_ms bigint GENERATED ALWAYS AS (expires_s::bigint * 1000) STORED, f text);
ALTER TABLE wide DROP COLUMN gone;
ALTER TABLE wide ALTER a SET STORAGE EXTERNAL;
INSERT INTO wide (id, a, b, c, d, e, expires, f)
SELECT n, CASE WHEN n & 1 > 0 THEN repeat(md5(n::text), 200) WHEN n & 64 > 0 THEN 'x' END, CASE WHEN n & 2 > 0 THEN n END,
    CASE WHEN n & 4 > 0 THEN true END, CASE WHEN n & 8 > 0 THEN array_fill(n, ARRAY[n]) END, CASE WHEN n & 16 > 0 THEN 'e' END,
    CASE WHEN n % 5 > 0 THEN now() + (n % 5 - 2.5) * interval '3 days' END, CASE WHEN n & 32 > 0 THEN 'f' END
FROM generate_series(1, 200) AS n;
UPDATE wide SET expires_s = extract(epoch FROM expires);
BEGIN;
SELECT raw_clear_sessions('wide', expires => 'expires');
SELECT count(*), count(*) FILTER (WHERE id % 5 IN (1, 2)) AS wrongly_left, sum(length(a)) FROM wide;
ROLLBACK;
BEGIN;
SELECT raw_clear_sessions('wide', expires => 'expires_ms', unit => 'milliseconds');
SELECT count(*), count(*) FILTER (WHERE id % 5 IN (1, 2)) AS wrongly_left, sum(length(a)) FROM wide;
ROLLBACK;

-- Names: keywords, a name that is also a function, the alias that statements use, the table's own
CREATE TABLE names ("select" timestamptz, now timestamptz, t timestamptz, names timestamptz, "Mixed Case" timestamptz, "a'b" timestamptz);
INSERT INTO names SELECT past, past, past, past, past, past FROM (SELECT now() - interval '1 day') AS p(past);
CREATE FUNCTION names_cleared(expires text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN raw_clear_sessions_preview('columns.names', expires => expires, exact => true) ->> 'expired_rows';
END
$$;
SELECT expires, names_cleared(expires) FROM unnest(ARRAY['select', '"select"', 'SELECT', 'now', 't', 'T', '"t"', 'names', 'names.names',
    'Mixed Case', '"Mixed Case"', 'a''b', '"a''b"', ' now ', '(now)', 'names."Mixed Case"']) AS expires;

-- Expressions of all the types that a column may have
SELECT expires, preview ->> 'type' AS type, preview ->> 'engine' AS engine, preview ->> 'expired_rows' AS expired_rows
FROM (VALUES
    (1, 'expires + interval ''3 days''', NULL, 'UTC'),
    (2, 'coalesce(expires, ''2001-01-01'')', NULL, 'UTC'),
    (3, 'greatest(expires, NULL)', NULL, NULL),
    (4, '(expires AT TIME ZONE ''Asia/Tokyo'')', NULL, 'Asia/Tokyo'),
    (5, 'expires::date', NULL, 'America/New_York'),
    (6, 'expires_ms / 1000', 'seconds', NULL),
    (7, 'extract(epoch FROM expires)', 'seconds', 'UTC'),
    (8, 'extract(epoch FROM expires)::float8', 'seconds', 'UTC'),
    (9, 'CASE WHEN id % 5 = 1 THEN expires END', NULL, NULL)
) AS v(n, expires, unit, zone),
    raw_clear_sessions_preview('wide', expires => expires, unit => unit, time_zone => zone, exact => true) AS preview ORDER BY n;

\set VERBOSITY terse
DROP SCHEMA columns CASCADE;
