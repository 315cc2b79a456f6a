--
-- Partitioned tables, inheritance children and foreign tables: cleared leaf by leaf, as DELETE on the parent would.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA partitions;
SET search_path = partitions, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- Five expired rows, 1 to 5, and five live ones, 11 to 15.
CREATE PROCEDURE fill("table" regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (id, expires) SELECT n, now() - n * interval ''2 days'' FROM generate_series(1, 5) AS n
        UNION ALL SELECT 10 + n, now() + n * interval ''2 days'' FROM generate_series(1, 5) AS n', "table");
END
$$;
-- The leaves as the preview announces them.
CREATE FUNCTION leaves("table" regclass, OUT leaf text, OUT engine text, OUT index text, OUT why text) RETURNS SETOF record
LANGUAGE sql AS $$
    SELECT leaf ->> 'table', leaf ->> 'engine', leaf ->> 'index', leaf ->> 'why'
    FROM jsonb_array_elements(raw_clear_sessions_preview("table", expires => 'expires') -> 'leaves') AS leaf
$$;
CREATE FUNCTION cleared("table" regclass, OUT engine text, OUT why text, OUT deleted bigint, OUT remaining text)
LANGUAGE plpgsql AS $$
DECLARE
    preview jsonb := raw_clear_sessions_preview("table", expires => 'expires');
BEGIN
    engine := preview ->> 'engine';
    why := preview ->> 'why';
    deleted := raw_clear_sessions("table", expires => 'expires');
    EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM %s', "table") INTO remaining;
END
$$;

-- By range on the column itself: a leaf that can hold no expired row is left out.
CREATE TABLE by_range (id integer, expires timestamptz NOT NULL) PARTITION BY RANGE (expires);
CREATE TABLE by_range_past PARTITION OF by_range FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
CREATE TABLE by_range_present PARTITION OF by_range FOR VALUES FROM ('2001-01-01') TO ('3001-01-01');
CREATE TABLE by_range_future PARTITION OF by_range FOR VALUES FROM ('3001-01-01') TO (MAXVALUE);
CALL fill('by_range');
INSERT INTO by_range VALUES (20, '-infinity'), (21, '2000-01-01'), (22, '4000-01-01'), (23, 'infinity');
SELECT * FROM leaves('by_range');
SELECT * FROM cleared('by_range');
-- a leaf by itself
SELECT * FROM cleared('by_range_future');

-- By list and by hash, with sub-partitions and a default partition; rows without an end too.
CREATE TABLE by_list (id integer, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE by_list_1 PARTITION OF by_list FOR VALUES IN (1, 11);
CREATE TABLE by_list_default PARTITION OF by_list DEFAULT PARTITION BY HASH (id);
CREATE TABLE by_list_hash_0 PARTITION OF by_list_default FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_list_hash_1 PARTITION OF by_list_default FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY RANGE (id);
CREATE TABLE by_list_hash_1_range PARTITION OF by_list_hash_1 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
CALL fill('by_list');
INSERT INTO by_list VALUES (20, NULL), (21, '-infinity'), (22, 'infinity');
SELECT * FROM leaves('by_list');
SELECT * FROM cleared('by_list');

-- A constraint that leaves no room for expired rows, and a partitioned table without any partition
SET constraint_exclusion = on;
CREATE TABLE constrained (id integer, expires timestamptz CHECK (expires > '3001-01-01'));
INSERT INTO constrained VALUES (1, '3002-01-01'), (2, NULL);
SELECT * FROM cleared('constrained');
RESET constraint_exclusion;
CREATE TABLE no_leaf (id integer, expires timestamptz) PARTITION BY LIST (id);
SELECT * FROM cleared('no_leaf');

-- Leaves whose columns are in another order, or that had others before: the column is found by its name.
CREATE TABLE attached (id integer, note text, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE attached_1 (expires timestamptz, gone text, note text, also_gone integer DEFAULT 1, id integer);
ALTER TABLE attached_1 DROP COLUMN gone, DROP COLUMN also_gone;
ALTER TABLE attached ATTACH PARTITION attached_1 FOR VALUES IN (1, 11);
CREATE TABLE attached_2 (gone timestamptz, id integer);
INSERT INTO attached_2 VALUES ('2000-01-01', 50);
ALTER TABLE attached_2 DROP COLUMN gone, ADD note text, ADD expires timestamptz DEFAULT '2010-01-01';
ALTER TABLE attached ATTACH PARTITION attached_2 DEFAULT;
CALL fill('attached');
SELECT * FROM cleared('attached');
CREATE INDEX ON attached (expires);
SET enable_seqscan = off;
CALL fill('attached');
SELECT * FROM leaves('attached');
SELECT deleted FROM cleared('attached');
RESET enable_seqscan;

-- Inheritance children, with columns of their own; ONLY has no place here, as in DELETE without it.
CREATE TABLE base (id integer, expires timestamptz);
CREATE TABLE derived (extra text) INHERITS (base);
CREATE TABLE other_base (expires timestamptz, more integer);
CREATE TABLE derived_twice () INHERITS (derived, other_base);
CALL fill('base');
CALL fill('derived');
CALL fill('derived_twice');
SELECT * FROM leaves('base');
SELECT deleted FROM cleared('base');
SELECT tableoid::regclass, count(*), min(expires) > now() AS live FROM base GROUP BY 1 ORDER BY 1;

-- A leaf with a trigger of its own goes through SQL, the others do not.
CREATE TABLE mixed (id integer, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES FROM (1) TO (3);
CREATE TABLE mixed_2 PARTITION OF mixed FOR VALUES FROM (3) TO (100);
CREATE TABLE noted (id integer);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO partitions.noted VALUES (old.id); RETURN old; END';
CREATE TRIGGER note AFTER DELETE ON mixed_1 FOR EACH ROW EXECUTE FUNCTION note();
CALL fill('mixed');
SELECT * FROM leaves('mixed');
SELECT * FROM cleared('mixed');
SELECT string_agg(id::text, ' ' ORDER BY id) AS noted FROM noted;

-- What belongs to a statement that names the leaf has no part in the one on the parent, also where a row trigger of the
-- leaf needs SQL: its rule, its statement trigger.
CREATE TABLE statement_noted (id integer);
CREATE FUNCTION note_delete() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO partitions.statement_noted VALUES (1); RETURN NULL; END';
CREATE FUNCTION cleared_beside(VARIADIC commands text[], OUT engine text, OUT why text, OUT deleted bigint, OUT remaining text,
    OUT noted bigint, OUT statements bigint) LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    TRUNCATE partitions.mixed, partitions.noted, partitions.statement_noted;
    CALL partitions.fill('partitions.mixed');
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    SELECT * INTO engine, why, deleted, remaining FROM partitions.cleared('partitions.mixed');
    SELECT count(*) INTO noted FROM partitions.noted;
    SELECT count(*) INTO statements FROM partitions.statement_noted;
END
$$;
SELECT * FROM cleared_beside('CREATE RULE nothing AS ON DELETE TO mixed_1 DO INSTEAD NOTHING');
SELECT * FROM cleared_beside('DROP RULE nothing ON mixed_1',
    'CREATE TRIGGER statement AFTER DELETE ON mixed_1 EXECUTE FUNCTION note_delete()');
DROP TRIGGER statement ON mixed_1;

-- The parent's rights are enough for its leaves, whichever engine clears them.
CREATE ROLE regress_partitions;
GRANT USAGE ON SCHEMA partitions TO regress_partitions;
GRANT SELECT, DELETE ON by_list, mixed TO regress_partitions;
GRANT INSERT ON noted TO regress_partitions;
CALL fill('by_list');
CALL fill('mixed');
SET ROLE regress_partitions;
SELECT engine, why, deleted FROM cleared('by_list');
SELECT engine, why, deleted FROM cleared('mixed');
SELECT raw_clear_sessions('mixed_1', expires => 'expires');
RESET ROLE;
-- Nor is the leaf's row security asked, which would show this role no row.
GRANT SELECT, DELETE ON mixed_1 TO regress_partitions;
ALTER TABLE mixed_1 ENABLE ROW LEVEL SECURITY;
CALL fill('mixed');
SET ROLE regress_partitions;
SELECT engine, why, deleted FROM cleared('mixed');
SELECT count(*) FROM mixed_1;
RESET ROLE;
ALTER TABLE mixed_1 DISABLE ROW LEVEL SECURITY;
-- Nor for one of two rights, where this role has the other one on the leaf.
REVOKE DELETE ON mixed_1 FROM regress_partitions;
CALL fill('mixed');
SET ROLE regress_partitions;
SELECT engine, why, deleted FROM cleared('mixed');
RESET ROLE;
CALL fill('mixed');
REVOKE SELECT ON mixed_1 FROM regress_partitions;
GRANT DELETE ON mixed_1 TO regress_partitions;
SET ROLE regress_partitions;
SELECT engine, why, deleted FROM cleared('mixed');
RESET ROLE;
REVOKE DELETE ON mixed_1 FROM regress_partitions;

-- A statement trigger of the parent fires once, one of a leaf does not: the statement names the parent.
CREATE TABLE statements (name text);
CREATE FUNCTION note_statement() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO partitions.statements VALUES (tg_table_name); RETURN NULL; END';
CREATE TRIGGER note_statement AFTER DELETE ON by_list EXECUTE FUNCTION note_statement();
CALL fill('by_list');
SELECT engine, why, deleted FROM cleared('by_list');
CREATE TRIGGER note_statement AFTER DELETE ON by_list_1 EXECUTE FUNCTION note_statement();
CALL fill('by_list');
SELECT engine, why, deleted FROM cleared('by_list');
DROP TRIGGER note_statement ON by_list;
CALL fill('by_list');
SELECT engine, why, deleted FROM cleared('by_list');
TABLE statements;

--
-- Foreign tables: here, those of postgres_fdw on this same server
--
CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
    EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
        current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'));
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER loopback OPTIONS (user %L)', current_user);
END
$$;
CREATE TABLE remote (id integer, expires timestamptz);
CREATE FOREIGN TABLE "foreign" (id integer, expires timestamptz) SERVER loopback OPTIONS (table_name 'remote');
CALL fill('"foreign"');
SELECT * FROM cleared('"foreign"');
-- as a partition beside a local one
CREATE TABLE with_foreign (id integer, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE with_foreign_local PARTITION OF with_foreign FOR VALUES FROM (1) TO (4);
CREATE FOREIGN TABLE with_foreign_remote PARTITION OF with_foreign FOR VALUES FROM (4) TO (100)
    SERVER loopback OPTIONS (table_name 'remote');
CALL fill('with_foreign');
SELECT * FROM leaves('with_foreign');
SELECT * FROM cleared('with_foreign');
-- in batches, as far as there are any
CALL fill('with_foreign');
CALL raw_clear_sessions_in_batches('with_foreign', expires => 'expires', batch_size => 1);
CALL fill('with_foreign');
CALL raw_clear_sessions_in_batches('with_foreign', expires => 'expires', batch_size => 1, filter => 'id > 0');
-- The preview calls a guess a guess, and says nothing of indexes and of WAL that are elsewhere.
CALL fill('"foreign"');
SELECT p ->> 'advice' AS advice, p ->> 'advice_why' AS advice_why,
    p #>> '{ways,raw_clear_sessions,wal_bytes}' AS wal_bytes, p ->> 'warnings' AS warnings
FROM raw_clear_sessions_preview('"foreign"', expires => 'expires') AS p;
SELECT p ->> 'expired_rows' AS expired, p ->> 'total_rows' AS total, p ->> 'warnings' AS warnings
FROM raw_clear_sessions_preview('"foreign"', expires => 'expires', exact => true) AS p;
SELECT * FROM cleared('"foreign"');
-- one that takes no DELETE, and one that the caller has no rights on
ALTER FOREIGN TABLE "foreign" OPTIONS (updatable 'false');
SELECT test.refusal($$raw_clear_sessions('"foreign"', expires => 'expires')$$, 'SELECT count(*) FROM partitions.remote');
SET ROLE regress_partitions;
SELECT test.refusal($$raw_clear_sessions('"foreign"', expires => 'expires')$$);
RESET ROLE;

DROP SCHEMA partitions CASCADE;
DROP ROLE regress_partitions;
