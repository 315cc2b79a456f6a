--
-- Numbers in another unit than the call says: whichever type they have, wherever they are, by whichever way they are to be
-- cleared, nothing is deleted.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA units;
SET search_path = units, public;
SET client_min_messages = warning;

CREATE DOMAIN milliseconds AS bigint CHECK (value >= 0);
-- Half of the rows have expired; `factor` makes them seconds, milliseconds or microseconds.
CREATE FUNCTION numbers(factor numeric, OUT value numeric) RETURNS SETOF numeric LANGUAGE sql AS $$
    SELECT trunc(extract(epoch FROM now() + (n - 5.5) * interval '1 hour')) * factor FROM generate_series(1, 10) AS n
$$;
CREATE TABLE ints (v integer);
INSERT INTO ints SELECT numbers(1);
CREATE TABLE bigints (v bigint);
INSERT INTO bigints SELECT numbers(1000);
CREATE TABLE floats (v float8);
INSERT INTO floats SELECT numbers(1000);
CREATE TABLE numerics (v numeric);
INSERT INTO numerics SELECT numbers(1000000);
CREATE TABLE domains (v milliseconds);
INSERT INTO domains SELECT numbers(1000);
CREATE TABLE generated (seconds integer, v bigint GENERATED ALWAYS AS (seconds::bigint * 1000) STORED);
INSERT INTO generated SELECT numbers(1);
-- One row is enough, also in the last partition.
CREATE TABLE parted (part integer, v bigint) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO parted SELECT 1, numbers(1);
INSERT INTO parted SELECT 2, max(v) * 1000 FROM parted;
CREATE TABLE mixed (v bigint);
INSERT INTO mixed SELECT numbers(1) UNION ALL SELECT numbers(1000);
-- Recognized, with numbers that their framework does not write
CREATE TABLE laravel (id text PRIMARY KEY, user_id bigint, ip_address text, user_agent text, payload text NOT NULL, last_activity bigint NOT NULL);
INSERT INTO laravel SELECT value, NULL, NULL, NULL, '', value FROM numbers(1000);
CREATE TABLE spring_session (primary_id char(36) PRIMARY KEY, session_id char(36) NOT NULL, creation_time bigint NOT NULL,
    last_access_time bigint NOT NULL, max_inactive_interval integer NOT NULL, expiry_time bigint NOT NULL, principal_name text);
INSERT INTO spring_session SELECT value, value, 0, 0, 0, value FROM numbers(1);

-- What each way says of the table and its unit; the numbers are those of the day.
CREATE FUNCTION said(name text, arguments text) RETURNS TABLE (way text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM units.%I', name) INTO before;
    FOREACH way IN ARRAY ARRAY['raw_clear_sessions', 'raw_clear_sessions_rewrite', 'raw_clear_sessions_preview'] LOOP
        BEGIN
            EXECUTE format('SELECT public.%s(''units.%I''%s)', way, name, arguments) INTO answer;
        EXCEPTION WHEN OTHERS THEN
            answer := regexp_replace(sqlstate || ': ' || sqlerrm, 'value [\d.]+', 'value N');
        END;
        RETURN NEXT;
    END LOOP;
    EXECUTE format('SELECT count(*) FROM units.%I', name) INTO after;
    IF after <> before THEN
        RAISE WARNING '%: % rows before, % after', name, before, after;
    END IF;
END
$$;
SELECT DISTINCT name, unit, answer FROM unnest(ARRAY['ints', 'bigints', 'floats', 'numerics', 'domains', 'generated', 'parted', 'mixed']) AS name,
    unnest(ARRAY['seconds', 'milliseconds', 'microseconds']) AS unit,
    said(name, format(', expires => ''v'', unit => %L', unit))
WHERE (name, unit) NOT IN (('ints', 'seconds'), ('bigints', 'milliseconds'), ('floats', 'milliseconds'), ('numerics', 'microseconds'),
    ('domains', 'milliseconds'), ('generated', 'milliseconds')) ORDER BY name, unit;
SELECT DISTINCT name, answer FROM (VALUES ('laravel', ', keep => ''2 hours'''), ('spring_session', '')) AS t(name, arguments),
    said(name, arguments) ORDER BY name;
SELECT "table", regexp_replace(error, 'value \d+', 'value N') AS error FROM raw_clear_sessions_find() AS found ("table", framework,
    missing, bytes, total_rows, expired_rows, oldest_expired, scheduled, call, schedule_call, error) WHERE "table" LIKE 'units.%' ORDER BY 1;
-- The procedure, which commits, and what is right afterwards
\set VERBOSITY sqlstate
CALL raw_clear_sessions_in_batches('bigints', expires => 'v', unit => 'seconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('parted', expires => 'v', unit => 'seconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('mixed', expires => 'v', unit => 'milliseconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('laravel', keep => '2 hours');
CALL raw_clear_sessions_in_batches('spring_session');
\set VERBOSITY default
CALL raw_clear_sessions_in_batches('ints', expires => 'v', unit => 'seconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('bigints', expires => 'v', unit => 'milliseconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('numerics', expires => 'v', unit => 'microseconds', batch_size => 1);
CALL raw_clear_sessions_in_batches('generated', expires => 'v', unit => 'milliseconds', batch_size => 1);
SELECT (SELECT count(*) FROM ints) AS ints, (SELECT count(*) FROM bigints) AS bigints, (SELECT count(*) FROM numerics) AS numerics,
    (SELECT count(*) FROM generated) AS generated, (SELECT count(*) FROM parted) AS parted, (SELECT count(*) FROM mixed) AS mixed,
    (SELECT count(*) FROM laravel) AS laravel, (SELECT count(*) FROM spring_session) AS spring;
-- Seconds since 2001 would lie before 2000, when read as those since 1970.
CREATE TABLE since_2001 (v integer);
INSERT INTO since_2001 SELECT value - 978307200 FROM numbers(1);
SELECT DISTINCT answer FROM said('since_2001', ', expires => ''v'', unit => ''seconds''');
-- An application that begins to write seconds while a run by milliseconds is on: its live sessions stay, and the next run says so.
CREATE TABLE changing (v bigint);
INSERT INTO changing SELECT numbers(1000);
CREATE FUNCTION write_seconds() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO units.changing SELECT max(value) FROM units.numbers(1); RETURN NULL; END$$;
CREATE TRIGGER written AFTER DELETE ON changing FOR EACH ROW EXECUTE FUNCTION write_seconds();
CALL raw_clear_sessions_in_batches('changing', expires => 'v', unit => 'milliseconds', batch_size => 1);
SELECT count(*) FILTER (WHERE v < 100000000000) AS in_seconds, count(*) FILTER (WHERE v > 100000000000) AS in_milliseconds FROM changing;
\set VERBOSITY sqlstate
CALL raw_clear_sessions_in_batches('changing', expires => 'v', unit => 'milliseconds', batch_size => 1);

\set VERBOSITY terse
DROP SCHEMA units CASCADE;
