--
-- One text among the numbers that is none: in batches the row is left out and named, and elsewhere the error says which it is
-- and what helps. All others are looked at for numbers that cannot be meant.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA broken;
SET search_path = broken, public;
SET client_min_messages = warning;
CREATE TABLE session (id integer, data text, filler text);
CREATE PROCEDURE fill("table" regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('TRUNCATE %s', "table");
    EXECUTE format('INSERT INTO %s SELECT i, 1577836800, repeat(''x'', 100)
        FROM generate_series(1, 500) AS i', "table");
    EXECUTE format('INSERT INTO %s SELECT 0, extract(epoch FROM now() + interval ''1 day'')::bigint, ''''', "table");
END
$$;
CALL fill('session');
UPDATE session SET data = 'abc' WHERE id = 101;
SELECT raw_clear_sessions('session', expires => 'data::bigint', unit => 'seconds');
SELECT raw_clear_sessions_preview('session', expires => 'data::bigint', unit => 'seconds');
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds', batch_size => 20);
SELECT id, ctid FROM session ORDER BY id;
-- What the HINT says helps.
CALL raw_clear_sessions_in_batches('session', expires => 'CASE WHEN data ~ ''^\d+$'' THEN data::bigint END', unit => 'seconds');

-- A number that cannot be meant is found before and behind broken rows, and then nothing is deleted.
CALL fill('session');
UPDATE session SET data = 'abc' WHERE id IN (1, 2, 251, 252, 500);
UPDATE session SET data = data || '000' WHERE id = 400;
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds');
SELECT count(*) FROM session;
UPDATE session SET data = left(data, 10) WHERE id = 400;
UPDATE session SET data = data || '000' WHERE id = 3;
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds');
SELECT count(*) FROM session;
UPDATE session SET data = left(data, 10) WHERE id = 3;
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds');
SELECT count(*) FROM session;

-- A filter that fails is no other thing.
CALL fill('session');
ALTER TABLE session ADD expires bigint;
UPDATE session SET expires = data::bigint;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', unit => 'seconds', filter => '1 / (id - 7) < 10');
SELECT count(*) FROM session;

-- Where many are broken, the expression is, and nothing is deleted.
CALL fill('session');
UPDATE session SET data = 'abc' WHERE id % 4 = 0;
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds');
SELECT count(*) FROM session;

-- Times are no other thing than numbers; whoever may not read the whole row is not told its place.
CALL fill('session');
ALTER TABLE session DROP expires;
UPDATE session SET data = CASE id WHEN 101 THEN 'abc' ELSE '2020-01-01' END WHERE id > 0;
UPDATE session SET data = '2200-01-01' WHERE id = 0;
SELECT raw_clear_sessions('session', expires => 'data::timestamptz', time_zone => 'UTC');
SELECT raw_clear_sessions_preview('session', expires => 'data::date', time_zone => 'UTC');
SELECT raw_clear_sessions_rewrite('session', expires => 'data::timestamp', time_zone => 'UTC');
CREATE ROLE regress_broken;
GRANT USAGE ON SCHEMA broken TO regress_broken;
GRANT DELETE, SELECT (data) ON session TO regress_broken;
SET ROLE regress_broken;
SELECT raw_clear_sessions('session', expires => 'data::timestamptz', time_zone => 'UTC');
RESET ROLE;
CALL raw_clear_sessions_in_batches('session', expires => 'data::timestamptz', time_zone => 'UTC', batch_size => 20);
SELECT id, data FROM session ORDER BY id;

-- Several heaps; and rows whose places nobody may read
CREATE TABLE parts (id integer, data text, filler text) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CALL fill('parts');
UPDATE parts SET data = 'abc' WHERE id IN (5, 301, 480);
CALL raw_clear_sessions_in_batches('parts', expires => 'data::bigint', unit => 'seconds');
SELECT id FROM parts ORDER BY id;
TRUNCATE session;
INSERT INTO session VALUES (101, 'abc');
SET ROLE regress_broken;
CALL raw_clear_sessions_in_batches('session', expires => 'data::bigint', unit => 'seconds');
RESET ROLE;

DROP SCHEMA broken CASCADE;
DROP ROLE regress_broken;
