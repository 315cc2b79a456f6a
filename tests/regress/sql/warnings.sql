--
-- What the preview warns of: what the call would refuse, leave, or do slowly, and what may not be meant.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA warnings;
SET search_path = warnings, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE FUNCTION warned("table" text, keep interval DEFAULT NULL, filter text DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT w FROM jsonb_array_elements_text(
        raw_clear_sessions_preview("table"::regclass, expires => 'expires', keep => keep, filter => filter) -> 'warnings') AS w
    WHERE w NOT LIKE 'no index leads with expires%'
$$;
CREATE TABLE sessions (id integer PRIMARY KEY, owner text, expires timestamptz);
INSERT INTO sessions SELECT n, 'o', now() + (n - 50) * interval '1 day' FROM generate_series(1, 100) AS n;
\pset tuples_only
\pset format unaligned
SELECT warned('sessions');

-- Foreign keys that refer to the table: those that refuse, and those without an index
CREATE TABLE carts (session integer CONSTRAINT of_session REFERENCES sessions, other integer);
CREATE TABLE restricted (session integer PRIMARY KEY REFERENCES sessions ON DELETE RESTRICT);
CREATE TABLE cascading (note text, session integer REFERENCES sessions ON DELETE CASCADE);
CREATE TABLE set_null (session integer REFERENCES sessions ON DELETE SET NULL, note text);
SELECT warned('sessions');
-- An index whose first column is the key's helps, a partial one may not.
CREATE INDEX ON carts (session, other);
CREATE INDEX ON cascading (note, session);
CREATE INDEX ON set_null (session) WHERE note IS NULL;
SELECT warned('sessions');
CREATE INDEX ON cascading (session);
CREATE INDEX ON set_null USING hash (session);
DROP TABLE restricted;
-- One that is not enforced (PostgreSQL 18) refuses nothing.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE 'ALTER TABLE carts ALTER CONSTRAINT of_session NOT ENFORCED';
        DROP INDEX carts_session_other_idx;
    ELSE
        DROP TABLE carts;
    END IF;
END
$$;
SELECT warned('sessions');
DROP TABLE IF EXISTS carts;
-- A key of a partitioned table, and one that refers to one, is told once.
CREATE TABLE parted_carts (id integer, session integer REFERENCES sessions) PARTITION BY RANGE (id);
CREATE TABLE parted_carts_1 PARTITION OF parted_carts FOR VALUES FROM (0) TO (10);
SELECT warned('sessions');
CREATE INDEX ON parted_carts_1 (session);
SELECT warned('sessions');
DROP TABLE cascading, set_null, parted_carts;

-- Row-level security, of whoever asks and of the owner, as whom the worker acts
CREATE ROLE regress_warnings_tenant;
CREATE ROLE regress_warnings_reader;
GRANT USAGE ON SCHEMA warnings TO regress_warnings_tenant, regress_warnings_reader;
CREATE TABLE tenants (LIKE sessions);
INSERT INTO tenants TABLE sessions;
ALTER TABLE tenants OWNER TO regress_warnings_tenant;
GRANT SELECT, DELETE ON tenants TO regress_warnings_reader;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants USING (owner = current_setting('warnings.tenant', true));
SELECT warned('tenants');
SET ROLE regress_warnings_reader;
SELECT warned('tenants');
SET ROLE regress_warnings_tenant;
SELECT warned('tenants');
RESET ROLE;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
SELECT warned('tenants');
SET ROLE regress_warnings_tenant;
SELECT warned('tenants');
RESET ROLE;

-- Where no row has an expiry at all, that is told, with the sentinels that numbers have.
CREATE TABLE never (id integer, expires timestamptz);
SELECT warned('never');
INSERT INTO never VALUES (1, NULL), (2, 'infinity'), (3, '-infinity');
SELECT warned('never');
INSERT INTO never VALUES (4, now() + interval '1 day');
SELECT warned('never');
SELECT warned('never', filter => 'id < 4');
CREATE TABLE "never in numbers" (expires bigint);
INSERT INTO "never in numbers" VALUES (0), (NULL);
SELECT w FROM jsonb_array_elements_text(
    raw_clear_sessions_preview('"never in numbers"', expires => 'expires', unit => 'seconds') -> 'warnings') AS w;

-- Nearly all rows: the column may be none that says when a row expires, or the lifetime too short.
CREATE TABLE nearly_all (id integer, expires timestamptz);
INSERT INTO nearly_all SELECT n, now() - interval '1 hour' FROM generate_series(1, 99) AS n;
INSERT INTO nearly_all VALUES (100, now() + interval '1 hour');
SELECT warned('nearly_all');
SELECT warned('nearly_all', keep => '2 minutes');
SELECT warned('nearly_all', keep => '2 hours');

-- A partition is advised to be dropped if its bounds leave no room for a live row, and for no row that never expires.
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY RANGE (expires);
CREATE TABLE parted_first PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
CREATE TABLE parted_past PARTITION OF parted FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE TABLE parted_wide PARTITION OF parted FOR VALUES FROM ('2002-01-01') TO ('3001-01-01');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (1, '-infinity'), (2, '2001-06-01'), (3, '2002-06-01'), (4, NULL);
SELECT warned('parted');
SELECT warned('parted', keep => '1000 years');
SELECT warned('parted', filter => 'id > 2');
SELECT warned('parted_past');
-- The advice loses no row that a call would keep.
BEGIN;
DROP TABLE parted_past;
SELECT id FROM parted ORDER BY id;
ROLLBACK;
BEGIN;
SELECT raw_clear_sessions('parted', expires => 'expires');
SELECT id FROM parted ORDER BY id;
ROLLBACK;
CREATE TABLE numbered (expires integer) PARTITION BY RANGE (expires);
CREATE TABLE numbered_first PARTITION OF numbered FOR VALUES FROM (MINVALUE) TO (1000000000);
CREATE TABLE numbered_past PARTITION OF numbered FOR VALUES FROM (1000000000) TO (1100000000);
SELECT w FROM jsonb_array_elements_text(
    raw_clear_sessions_preview('numbered', expires => 'expires', unit => 'seconds') -> 'warnings') AS w;
CREATE TABLE dated (expires date) PARTITION BY RANGE (expires);
CREATE TABLE dated_past PARTITION OF dated FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE TABLE dated_first PARTITION OF dated FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
SELECT w FROM jsonb_array_elements_text(
    raw_clear_sessions_preview('dated', expires => 'expires', time_zone => 'UTC') -> 'warnings') AS w;
-- Names have an end.
CREATE TABLE many (expires timestamptz) PARTITION BY RANGE (expires);
SELECT format('CREATE TABLE many_%s PARTITION OF many FOR VALUES FROM (%L) TO (%L)', n, make_date(n, 1, 1), make_date(n + 1, 1, 1))
FROM generate_series(2001, 2011) AS n \gexec
SELECT warned('many');

-- What the call refuses for the replica identity, the preview says is not possible; it fails no more than it calls it possible.
CREATE TABLE published (LIKE sessions);
INSERT INTO published TABLE sessions;
CREATE TABLE published_parted (id integer, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE published_parted_1 PARTITION OF published_parted (PRIMARY KEY (id)) FOR VALUES FROM (0) TO (50);
CREATE TABLE published_parted_2 PARTITION OF published_parted FOR VALUES FROM (50) TO (100);
INSERT INTO published_parted SELECT id, expires FROM sessions WHERE id < 100;
CREATE FUNCTION agreed("table" text, setting text DEFAULT 'auto') RETURNS TABLE (possible text, why_not text, advice text, call text)
LANGUAGE sql AS $$
    SELECT set_config('raw_clear_sessions.engine', setting, true);
    SELECT p -> 'ways' -> 'raw_clear_sessions' ->> 'possible', p -> 'ways' -> 'raw_clear_sessions_in_batches' ->> 'why_not',
        p ->> 'advice', (SELECT r FROM test.refusal(format('raw_clear_sessions(%L, expires => ''expires'')', "table")) AS r LIMIT 1)
    FROM raw_clear_sessions_preview("table"::regclass, expires => 'expires') AS p
$$;
CREATE PUBLICATION regress_warnings FOR TABLE published, published_parted_1, published_parted_2;
\pset format aligned
\pset tuples_only off
\x
BEGIN;
SELECT * FROM agreed('published');
SELECT * FROM agreed('published', 'sql');
SELECT * FROM agreed('published_parted');
ALTER PUBLICATION regress_warnings DROP TABLE published_parted_2;
SELECT * FROM agreed('published_parted');
ALTER PUBLICATION regress_warnings SET (publish = 'insert');
SELECT * FROM agreed('published');
ROLLBACK;
BEGIN;
ALTER TABLE published REPLICA IDENTITY FULL;
SELECT * FROM agreed('published');
ROLLBACK;
BEGIN;
ALTER TABLE published ADD PRIMARY KEY (id);
ALTER PUBLICATION regress_warnings SET TABLE published WHERE (owner = 'o');
SELECT * FROM agreed('published');
ROLLBACK;
SELECT warned('published') AS warning;
\x

-- One estimate for all figures: without statistics, with those of before, and with few rows among many.
CREATE TABLE large (id integer, expires timestamptz, data text DEFAULT repeat('x', 400)) WITH (autovacuum_enabled = off);
CREATE FUNCTION figures(exact boolean DEFAULT false) RETURNS TABLE (expired text, total text, reusable text, oldest boolean, advice text)
LANGUAGE sql AS $$
    SELECT round((p ->> 'expired_rows')::numeric, -4) || ' +- 5000', round((p ->> 'total_rows')::numeric, -4) || ' +- 5000',
        round((p ->> 'reusable_bytes')::numeric / (p ->> 'table_bytes')::numeric
            - (p ->> 'expired_rows')::numeric / (p ->> 'total_rows')::numeric, 2) || ' apart',
        p ->> 'oldest_expired' IS NOT NULL, p ->> 'advice'
    FROM raw_clear_sessions_preview('large', expires => 'expires', exact => exact) AS p
$$;
INSERT INTO large SELECT n, now() - interval '1 day' FROM generate_series(1, 50000) AS n;
ANALYZE large;
DELETE FROM large;
VACUUM (TRUNCATE off) large;
INSERT INTO large SELECT n, now() + interval '1 day' FROM generate_series(1, 50000) AS n;
-- The statistics say that all have expired, the sample sees that none has.
SELECT expired, oldest FROM figures();
SELECT * FROM figures(exact => true);
-- A few that lie together: a sample may overlook them, the statistics do not.
UPDATE large SET expires = now() - interval '1 day' WHERE id <= 20;
ANALYZE large;
SELECT p ->> 'advice' AS advice, (p ->> 'expired_rows')::integer BETWEEN 1 AND 2000 AS few
FROM raw_clear_sessions_preview('large', expires => 'expires') AS p;
-- With an index it is known that none has.
DELETE FROM large WHERE id <= 20;
CREATE INDEX ON large (expires);
SELECT p ->> 'advice' AS advice, p ->> 'expired_rows' AS expired, p ->> 'oldest_expired' AS oldest
FROM raw_clear_sessions_preview('large', expires => 'expires') AS p;
-- The leaves make up the whole.
SELECT sum((leaf ->> 'expired_rows')::integer) AS of_leaves, p ->> 'expired_rows' AS expired, p ->> 'total_rows' AS total
FROM raw_clear_sessions_preview('parted', expires => 'expires', exact => true) AS p, jsonb_array_elements(p -> 'leaves') AS leaf GROUP BY p;
SELECT sum((leaf ->> 'expired_rows')::integer) AS of_leaves, p ->> 'expired_rows' AS expired, p ->> 'total_rows' AS total
FROM raw_clear_sessions_preview('parted', expires => 'expires') AS p, jsonb_array_elements(p -> 'leaves') AS leaf GROUP BY p;
CREATE TABLE alone (id integer, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE alone_1 PARTITION OF alone FOR VALUES FROM (1) TO (9);
INSERT INTO alone VALUES (1, '2001-01-01');
SELECT p ->> 'expired_rows' AS expired, p -> 'leaves' -> 0 ->> 'expired_rows' AS of_leaf
FROM raw_clear_sessions_preview('alone', expires => 'expires') AS p;
-- Where nobody has counted the rows, the planner takes a small partition for one of ten blocks; the sample knows better.
CREATE TABLE small (id integer, expires timestamptz) PARTITION BY RANGE (id);
DO $$
BEGIN
    FOR n IN 1..300 LOOP
        EXECUTE format('CREATE TABLE small_%s PARTITION OF small FOR VALUES FROM (%s) TO (%s) WITH (autovacuum_enabled = off)', n, n, n + 1);
    END LOOP;
END
$$;
INSERT INTO small SELECT n, '2001-01-01' FROM generate_series(1, 300) AS n;
SELECT (p ->> 'expired_rows')::integer BETWEEN 200 AND 400 AS expired, (p ->> 'total_rows')::integer BETWEEN 200 AND 400 AS total
FROM raw_clear_sessions_preview('small', expires => 'expires') AS p;
-- Whoever may read the column only gets the whole.
GRANT SELECT (expires) ON parted TO regress_warnings_reader;
SET ROLE regress_warnings_reader;
SELECT p ->> 'expired_rows' AS expired, p -> 'leaves' -> 0 ->> 'expired_rows' AS of_leaf
FROM raw_clear_sessions_preview('warnings.parted', expires => 'expires', exact => true) AS p;
RESET ROLE;
-- What many programs write for "never" is a time that has passed: the preview says that such rows stay.
CREATE TABLE endless (id integer, expires timestamptz);
INSERT INTO endless SELECT 1, now() - interval '1 day' FROM generate_series(1, 9);
SELECT raw_clear_sessions_preview('endless', expires => 'expires')::text ~ 'before 2000' AS warned;
INSERT INTO endless VALUES (2, '0001-01-01 00:00:00+00');
SELECT raw_clear_sessions_preview('endless', expires => 'expires')::text ~ 'before 2000 in expires are never deleted' AS warned;
UPDATE endless SET expires = 'epoch' WHERE id = 2;
SELECT raw_clear_sessions_preview('endless', expires => 'expires')::text ~ 'before 2000' AS warned;
UPDATE endless SET expires = '4000-01-01 BC' WHERE id = 2;
SELECT raw_clear_sessions_preview('endless', expires => 'expires')::text ~ 'before 2000' AS warned;

\set VERBOSITY terse
DROP PUBLICATION regress_warnings;
DROP SCHEMA warnings CASCADE;
DROP ROLE regress_warnings_tenant, regress_warnings_reader;
