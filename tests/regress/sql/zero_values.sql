--
-- A time of before 2000 is what a program has written for "none" or "never", or what an expression has made of another unit. No
-- row goes by it: in a column it is left, and an expression is refused.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA zero_values;
SET search_path = zero_values, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
-- Rows 1 to 5 are never to go; row 6 has expired, and so has row 7, by a microsecond or a day after the bound.
CREATE VIEW times AS SELECT * FROM (VALUES (1, '0001-01-01'), (2, '1970-01-01'), (3, '1999-12-31 23:59:59.999999'), (4, '4000-01-01 BC'),
    (5, '-infinity'), (6, '2020-01-01'), (7, '2000-01-01'), (8, 'infinity'), (9, NULL)) AS t (id, time);
CREATE TABLE instants (id integer, v timestamptz);
CREATE TABLE indexed (id integer, v timestamptz);
CREATE INDEX ON indexed (v);
CREATE TABLE naive (id integer, v timestamp);
CREATE TABLE days (id integer, v date);
CREATE TABLE parted (id integer, v timestamptz) PARTITION BY RANGE (v);
CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2010-01-01');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['instants', 'indexed', 'naive', 'days', 'parted'] LOOP
        EXECUTE format('TRUNCATE %1$I', name);
        EXECUTE format('INSERT INTO %I SELECT id, time::%s FROM times', name,
            (SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = name::regclass AND attname = 'v'));
    END LOOP;
END
$$;
CREATE TABLE done (way text, name text, rows bigint, stay text);
-- A table that its own transaction has changed is not rewritten.
CREATE PROCEDURE clear_all(arguments text DEFAULT '', ways text[] DEFAULT '{raw_clear_sessions, raw_clear_sessions_rewrite}') LANGUAGE plpgsql AS $$
DECLARE
    way text;
    name text;
    rows bigint;
BEGIN
    TRUNCATE done;
    FOREACH way IN ARRAY ways LOOP
        PERFORM fill();
        COMMIT;
        FOREACH name IN ARRAY ARRAY['instants', 'indexed', 'naive', 'days', 'parted'] LOOP
            CONTINUE WHEN name = 'parted' AND way = 'raw_clear_sessions_rewrite';
            EXECUTE format('SELECT public.%s(%L, expires => ''v''%s%s)', way, name, arguments,
                CASE WHEN name IN ('naive', 'days') THEN ', time_zone => ''UTC''' END) INTO rows;
            EXECUTE format('INSERT INTO done SELECT %L, %L, %L, string_agg(id::text, '' '' ORDER BY id) FROM %I', way, name, rows, name);
        END LOOP;
    END LOOP;
END
$$;
CALL clear_all();
TABLE done;
-- By SQL, through an index, and with a time to keep
CALL clear_all(', filter => ''id > 0''', '{raw_clear_sessions}');
TABLE done;
SET enable_seqscan = off;
CALL clear_all('', '{raw_clear_sessions}');
TABLE done;
RESET enable_seqscan;
CALL clear_all(', keep => ''1 day''', '{raw_clear_sessions}');
TABLE done;
SELECT fill();
CALL raw_clear_sessions_in_batches('indexed', expires => 'v', batch_size => 1);
CALL raw_clear_sessions_in_batches('parted', expires => 'v', batch_size => 1);
-- The preview counts what is left so.
SELECT p ->> 'expired_rows' AS expired, p -> 'warnings' ->> 0 AS warning FROM raw_clear_sessions_preview('instants', expires => 'v', exact => true) AS p;
SELECT p ->> 'expired_rows' AS expired, p -> 'warnings' ->> 0 AS warning
FROM raw_clear_sessions_preview('days', expires => 'v', time_zone => 'UTC') AS p;
SELECT p ->> 'expired_rows' AS expired, p -> 'warnings' ->> 0 AS warning
FROM raw_clear_sessions_preview('instants', expires => 'v', filter => 'id < 6', exact => true) AS p;

-- A number in another unit than the expression takes it for: of live rows, each would be of 1970, or none would ever expire.
CREATE TABLE token (id integer, seconds bigint, milliseconds bigint, day date DEFAULT '-infinity');
INSERT INTO token SELECT n, s, 1000 * s FROM generate_series(1, 3) AS n, LATERAL (SELECT extract(epoch FROM now())::bigint + 100000 * (n - 2) - 50000) AS of_row (s);
CREATE FUNCTION said(expires text, further text DEFAULT '') RETURNS TABLE (way text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH way IN ARRAY ARRAY['raw_clear_sessions', 'raw_clear_sessions_rewrite', 'raw_clear_sessions_preview'] LOOP
        BEGIN
            EXECUTE format('SELECT public.%s(''token'', expires => %L%s)', way, expires, further) INTO answer;
        EXCEPTION WHEN OTHERS THEN
            answer := regexp_replace(sqlstate || ': ' || sqlerrm, 'time [^,]+', 'time T');
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT * FROM said('to_timestamp(seconds / 1000)');
SELECT * FROM said('to_timestamp(milliseconds)');
SELECT * FROM said('timestamp ''epoch'' + seconds * interval ''1 millisecond''', ', time_zone => ''UTC''');
SELECT * FROM said('timestamp ''epoch'' + milliseconds * interval ''1 second''', ', time_zone => ''UTC''');
SELECT * FROM said('date ''epoch'' + (seconds / 864000)::integer', ', time_zone => ''UTC''');
SELECT * FROM said('date ''epoch'' + (milliseconds / 86400)::integer', ', time_zone => ''UTC''');
\set VERBOSITY sqlstate
CALL raw_clear_sessions_in_batches('token', expires => 'to_timestamp(seconds / 1000)');
\set VERBOSITY default
-- What the markers of a column are in an expression is not known. NULL and the infinities are, and the year 9999.
INSERT INTO token VALUES (4, 0);
SELECT raw_clear_sessions('token', expires => 'to_timestamp(seconds)');
SELECT raw_clear_sessions('token', expires => 'coalesce(to_timestamp(nullif(seconds, 0)), ''9999-12-31 23:59:59-12'')');
SELECT id FROM token ORDER BY id;
SELECT raw_clear_sessions('token', expires => 'CASE id WHEN 2 THEN ''infinity'' WHEN 3 THEN ''-infinity'' ELSE to_timestamp(nullif(seconds, 0)) END');

\set VERBOSITY terse
DROP SCHEMA zero_values CASCADE;
