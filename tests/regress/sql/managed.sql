--
-- Tables that another extension spreads over other tables or servers are cleared with SQL, in the extension's sense. The
-- extensions are not here: their catalogs are imitated, and taken back at the end.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA managed;
SET search_path = managed, public;
SET client_min_messages = warning;
CREATE TABLE ordinary (id integer, expires timestamptz);
CREATE TABLE distributed (LIKE ordinary);
CREATE TABLE hyper (LIKE ordinary);
CREATE SCHEMA another;
CREATE TABLE another.hyper (LIKE ordinary);
INSERT INTO distributed VALUES (1, '2020-01-01'), (2, '2199-01-01');
INSERT INTO hyper TABLE distributed;
CREATE VIEW engines AS
    SELECT name, p ->> 'engine' AS engine, p ->> 'why' AS why
    FROM unnest(ARRAY['managed.ordinary', 'managed.distributed', 'managed.hyper', 'another.hyper']::regclass[]) AS name,
        raw_clear_sessions_preview(name, expires => 'expires') AS p;

-- Without the extensions, a table like theirs says nothing.
CREATE SCHEMA _timescaledb_catalog
    CREATE TABLE hypertable (schema_name name, table_name name);
INSERT INTO _timescaledb_catalog.hypertable VALUES ('managed', 'hyper');
SELECT * FROM engines;

BEGIN;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES
    (4000000001, 'citus', 10, 'managed'::regnamespace, false, '1'),
    (4000000002, 'timescaledb', 10, 'managed'::regnamespace, false, '1');
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
INSERT INTO pg_dist_partition VALUES ('managed.distributed');
SELECT * FROM engines;
SELECT raw_clear_sessions('distributed', expires => 'expires'), raw_clear_sessions('hyper', expires => 'expires');
-- A catalog of another shape, or one that the caller may not read, fails no call. SQL clears every table then.
INSERT INTO ordinary VALUES (1, '2020-01-01'), (2, '2199-01-01');
ALTER TABLE pg_dist_partition RENAME logicalrelid TO logicalrel;
SELECT * FROM engines;
SELECT raw_clear_sessions('ordinary', expires => 'expires');
ALTER TABLE pg_dist_partition RENAME logicalrel TO logicalrelid;
ALTER TABLE _timescaledb_catalog.hypertable ALTER table_name TYPE text;
SELECT * FROM engines;
DROP TABLE pg_catalog.pg_dist_partition;
SELECT * FROM engines;
ROLLBACK;
-- A hypertable is cleared chunk by chunk, unless one is compressed or frozen, or a continuous aggregate is made of it.
BEGIN;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES
    (4000000002, 'timescaledb', 10, 'managed'::regnamespace, false, '1');
CREATE TABLE chunk_1 () INHERITS (hyper);
CREATE TABLE chunk_2 () INHERITS (hyper);
INSERT INTO chunk_1 VALUES (1, '2020-01-01'), (2, '2199-01-01');
INSERT INTO chunk_2 TABLE chunk_1;
CREATE VIEW chunks AS
    SELECT p ->> 'engine' AS engine, p ->> 'why' AS why, jsonb_array_length(coalesce(p -> 'leaves', '[]')) AS leaves, p ->> 'advice_why' AS advice_why
    FROM raw_clear_sessions_preview('managed.hyper', expires => 'expires') AS p;
ALTER TABLE _timescaledb_catalog.hypertable ADD id integer NOT NULL DEFAULT 7;
SELECT * FROM chunks;
CREATE TABLE _timescaledb_catalog.chunk (hypertable_id integer, compressed_chunk_id integer, status integer);
CREATE TABLE _timescaledb_catalog.continuous_agg (raw_hypertable_id integer);
INSERT INTO _timescaledb_catalog.chunk VALUES (7, NULL, 0), (7, NULL, 0), (8, 3, 1);
INSERT INTO _timescaledb_catalog.continuous_agg VALUES (8);
SELECT * FROM chunks;
SELECT raw_clear_sessions_rewrite('hyper', expires => 'expires');
ROLLBACK;
BEGIN;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES
    (4000000002, 'timescaledb', 10, 'managed'::regnamespace, false, '1');
CREATE TABLE chunk_1 () INHERITS (hyper);
INSERT INTO chunk_1 VALUES (1, '2020-01-01'), (2, '2199-01-01');
ALTER TABLE _timescaledb_catalog.hypertable ADD id integer NOT NULL DEFAULT 7;
CREATE TABLE _timescaledb_catalog.chunk AS SELECT 7 AS hypertable_id, NULL::integer AS compressed_chunk_id, 0 AS status;
CREATE TABLE _timescaledb_catalog.continuous_agg (raw_hypertable_id integer);
CREATE VIEW engine AS
    SELECT p ->> 'engine' AS engine FROM raw_clear_sessions_preview('managed.hyper', expires => 'expires') AS p;
TABLE engine;
UPDATE _timescaledb_catalog.chunk SET status = 4;
TABLE engine;
UPDATE _timescaledb_catalog.chunk SET status = 0, compressed_chunk_id = 9;
TABLE engine;
UPDATE _timescaledb_catalog.chunk SET compressed_chunk_id = NULL;
INSERT INTO _timescaledb_catalog.continuous_agg VALUES (7);
TABLE engine;
DELETE FROM _timescaledb_catalog.continuous_agg;
TABLE engine;
-- as later versions have it
ALTER TABLE _timescaledb_catalog.chunk DROP compressed_chunk_id;
TABLE engine;
SELECT raw_clear_sessions('hyper', expires => 'expires');
TABLE hyper;
ROLLBACK;
-- What the catalogs' owner keeps from the caller is not read.
CREATE ROLE regress_managed_janitor;
GRANT USAGE ON SCHEMA managed TO regress_managed_janitor;
GRANT SELECT, DELETE ON ordinary TO regress_managed_janitor;
BEGIN;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES
    (4000000002, 'timescaledb', 10, 'managed'::regnamespace, false, '1');
INSERT INTO ordinary VALUES (1, '2020-01-01'), (2, '2199-01-01');
SET LOCAL ROLE regress_managed_janitor;
SELECT p ->> 'engine' AS engine, p ->> 'why' AS why FROM raw_clear_sessions_preview('ordinary', expires => 'expires') AS p;
SELECT raw_clear_sessions('ordinary', expires => 'expires');
ROLLBACK;

DROP SCHEMA managed, another, _timescaledb_catalog CASCADE;
DROP ROLE regress_managed_janitor;
