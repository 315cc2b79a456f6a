--
-- Publications, replica identity and logical decoding: a raw deletion is published as DELETE's is, or refused as it is.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA replication;
SET search_path = replication, public;
SET client_min_messages = warning;

CREATE TABLE with_key (id text PRIMARY KEY, note text, expires timestamptz);
CREATE TABLE without_key (LIKE with_key);
INSERT INTO with_key VALUES ('expired', 'a', now() - interval '1 day'), ('live', 'b', now() + interval '1 day');
INSERT INTO without_key TABLE with_key;
CREATE FUNCTION refusal("table" text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT test.refusal(format('raw_clear_sessions(%L, expires => ''expires'')', "table"),
        format('SELECT count(*) FROM %s', "table"))
$$;
\pset tuples_only
\pset format unaligned

-- A published table needs an identity by which its rows can be named.
CREATE PUBLICATION regress_replication FOR TABLE with_key, without_key;
SELECT refusal('without_key');
ALTER TABLE without_key REPLICA IDENTITY NOTHING;
SELECT refusal('without_key');
-- That is what SQL's DELETE says.
BEGIN;
SET LOCAL raw_clear_sessions.engine = sql;
SELECT refusal('without_key');
ROLLBACK;
-- A publication of other commands does not ask for one, and neither does an unpublished table.
ALTER PUBLICATION regress_replication SET (publish = 'insert, truncate');
BEGIN;
SELECT raw_clear_sessions('without_key', expires => 'expires');
ROLLBACK;
ALTER PUBLICATION regress_replication SET (publish = 'insert, update, delete');
ALTER PUBLICATION regress_replication DROP TABLE without_key;
BEGIN;
SELECT raw_clear_sessions('without_key', expires => 'expires');
ROLLBACK;

-- A publication's row filter must not look beyond the identity.
CREATE PUBLICATION regress_replication_filtered FOR TABLE with_key WHERE (note = 'b');
SELECT refusal('with_key');
DROP PUBLICATION regress_replication_filtered;

-- A partition that must not lose rows keeps the whole call from deleting any.
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted (PRIMARY KEY (id)) FOR VALUES FROM (1) TO (2);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2) TO (3);
INSERT INTO parted VALUES (1, now() - interval '1 day'), (2, now() - interval '1 day');
CREATE PUBLICATION regress_replication_parted FOR TABLE parted_2;
SELECT refusal('parted');
DROP PUBLICATION regress_replication_parted;

-- What a subscriber gets to know of the deleted rows: the key, or with REPLICA IDENTITY FULL all of it.
SELECT slot_name FROM pg_create_logical_replication_slot('regress_replication', 'test_decoding', true);
ALTER TABLE without_key REPLICA IDENTITY FULL;
UPDATE without_key SET expires = '2020-01-01 00:00+00' WHERE id = 'expired';
SET timezone = 'UTC';
SELECT raw_clear_sessions('with_key', expires => 'expires');
SELECT raw_clear_sessions('without_key', expires => 'expires');
SELECT raw_clear_sessions('parted', expires => 'expires');
SELECT data FROM pg_logical_slot_get_changes('regress_replication', NULL, NULL, 'include-xids', 'false')
WHERE data LIKE '%DELETE%';
SELECT pg_drop_replication_slot('regress_replication');
SELECT count(*) FROM with_key;

\set VERBOSITY terse
DROP PUBLICATION regress_replication;
DROP SCHEMA replication CASCADE;
