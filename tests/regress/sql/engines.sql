--
-- Which engine clears what, and why: the raw engine where it cannot differ from SQL's DELETE, SQL everywhere else.
-- fill() puts one expired row, one live row and one without an end into a table; cleared() shows what the preview announces
-- for it, then how many rows the call deleted and which rows it left.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA engines;
SET search_path = engines, public;
SET client_min_messages = warning;

CREATE PROCEDURE fill("table" regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (id, expires) VALUES
        (''expired'', now() - interval ''2 days''), (''live'', now() + interval ''2 days''), (''endless'', NULL)', "table");
END
$$;
CREATE FUNCTION cleared("table" regclass, filter text DEFAULT NULL, expires text DEFAULT 'expires',
    OUT engine text, OUT why text, OUT deleted bigint, OUT remaining text) LANGUAGE plpgsql AS $$
DECLARE
    preview jsonb := raw_clear_sessions_preview("table", expires => expires, filter => filter);
BEGIN
    engine := preview ->> 'engine';
    why := preview ->> 'why';
    deleted := raw_clear_sessions("table", expires => expires, filter => filter);
    EXECUTE format('SELECT string_agg(id, '' '' ORDER BY id) FROM %s', "table") INTO remaining;
END
$$;

--
-- The raw engine: heap pass and index pass
--
CREATE TABLE plain (id text, expires timestamptz);
CALL fill('plain');
SELECT * FROM cleared('plain');
CREATE UNLOGGED TABLE unlogged (LIKE plain);
CALL fill('unlogged');
SELECT * FROM cleared('unlogged');
CREATE TEMPORARY TABLE temporary (LIKE plain);
CALL fill('temporary');
SELECT * FROM cleared('temporary');
CREATE TEMPORARY TABLE temporary_parts (LIKE plain) PARTITION BY LIST (id);
CREATE TEMPORARY TABLE temporary_part PARTITION OF temporary_parts DEFAULT;
CALL fill('temporary_parts');
SELECT * FROM cleared('temporary_parts');
-- no rows at all, and no expired ones
CREATE TABLE empty (LIKE plain);
SELECT * FROM cleared('empty');
SELECT * FROM cleared('plain');

-- An index that leads with the column serves, where the planner would use it: in whatever order, with whatever behind.
SET enable_seqscan = off;
CREATE TABLE indexed (LIKE plain);
CALL fill('indexed');
CREATE FUNCTION cleared_with_index(definition text, OUT engine text, OUT why text, OUT deleted bigint, OUT remaining text)
LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE engines.indexed;
    CALL fill('engines.indexed');
    EXECUTE 'CREATE INDEX i ON engines.indexed ' || definition;
    SELECT * INTO engine, why, deleted, remaining FROM cleared('engines.indexed');
    DROP INDEX engines.i;
END
$$;
SELECT definition, outcome.*
FROM unnest(ARRAY['(expires)', '(expires DESC)', '(expires NULLS FIRST)', '(expires DESC NULLS LAST)', '(expires, id)',
    '(expires) INCLUDE (id)', '(expires) WITH (fillfactor = 50)']) AS definition, cleared_with_index(definition) AS outcome;
-- These do not: they lead with something else, have not every row, are no btree, or have an order of their own.
ALTER TABLE indexed ADD seen timestamptz;
CREATE FUNCTION reversed(timestamptz, timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT timestamptz_cmp($2, $1)';
CREATE OPERATOR CLASS reversed FOR TYPE timestamptz USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 reversed(timestamptz, timestamptz);
SELECT definition, outcome.*
FROM unnest(ARRAY['(id, expires)', '(seen, expires)', '(expires engines.reversed)',
    '(expires) WHERE expires < ''2100-01-01''', '((expires AT TIME ZONE ''UTC''))',
    'USING brin (expires)', 'USING hash (expires)']) AS definition, cleared_with_index(definition) AS outcome;
-- Nor does one that could not be built.
TRUNCATE indexed;
CALL fill('indexed');
INSERT INTO indexed SELECT 'twice', expires FROM indexed WHERE id = 'live';
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY invalid ON indexed (expires);
\set VERBOSITY default
SELECT indisvalid FROM pg_index WHERE indexrelid = 'invalid'::regclass;
SELECT * FROM cleared('indexed');
-- However far it reads ahead, the index pass visits every block, and no other.
CREATE TABLE spread (id integer, expires timestamptz, filling text) WITH (fillfactor = 10, autovacuum_enabled = off);
INSERT INTO spread SELECT i, now() + CASE WHEN i % 40 = 0 THEN interval '-1 day' ELSE '1 day' END, repeat('x', 100) FROM generate_series(1, 4000) AS i;
CREATE INDEX ON spread (expires);
ANALYZE spread;
CREATE FUNCTION cleared_reading_ahead(concurrency text, OUT why text, OUT deleted bigint, OUT expired_left bigint, OUT live bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('maintenance_io_concurrency', concurrency, true);
    UPDATE engines.spread SET expires = now() - interval '1 day' WHERE id % 40 = 0;
    INSERT INTO engines.spread SELECT i, now() - interval '1 day' FROM generate_series(40, 4000, 40) AS i
    WHERE NOT EXISTS (SELECT FROM engines.spread WHERE id = i);
    why := raw_clear_sessions_preview('engines.spread', expires => 'expires') ->> 'why';
    deleted := raw_clear_sessions('engines.spread', expires => 'expires');
    SELECT count(*) FILTER (WHERE expires < now()), count(*) FILTER (WHERE expires > now())
    INTO expired_left, live FROM engines.spread;
END
$$;
SELECT concurrency, o.* FROM unnest(ARRAY['0', '1', '10', '1000']) AS concurrency, cleared_reading_ahead(concurrency) AS o;
RESET enable_seqscan;

-- It is the planner's choice: few expired rows of many, or nearly all of them.
CREATE TABLE many (id text, expires timestamptz);
CREATE INDEX many_expires ON many (expires);
INSERT INTO many SELECT n, now() + (n - 20) * interval '1 day' + interval '1 hour' FROM generate_series(1, 10000) AS n;
ANALYZE many;
SELECT engine, why, deleted FROM cleared('many');
UPDATE many SET expires = expires - interval '9000 days';
VACUUM ANALYZE many;
SELECT engine, why, deleted FROM cleared('many');
SELECT count(*), min(expires) > now() AS all_live FROM many;

--
-- SQL: what belongs to the statement
--
CREATE TABLE statement (LIKE plain);
CALL fill('statement');
SELECT * FROM cleared('statement', filter => $$id <> 'expired'$$);
SELECT * FROM cleared('statement', filter => $$id <> 'live' -- nothing behind this counts$$);
CALL fill('statement');
SELECT * FROM cleared('statement', expires => $$expires + interval '24 hours'$$);

SET raw_clear_sessions.engine = sql;
CALL fill('statement');
SELECT * FROM cleared('statement');
RESET raw_clear_sessions.engine;
SHOW raw_clear_sessions.engine;

-- Another table access method, even if it is the heap's under another name
CREATE ACCESS METHOD regress_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE elsewhere (id text, expires timestamptz) USING regress_heap;
CALL fill('elsewhere');
SELECT * FROM cleared('elsewhere');

-- Rules
CREATE TABLE audit (what text, id text);
CREATE TABLE also (LIKE plain);
CALL fill('also');
CREATE RULE note AS ON DELETE TO also DO ALSO INSERT INTO audit VALUES ('rule', old.id);
SELECT * FROM cleared('also');
TABLE audit;
CREATE TABLE instead (LIKE plain);
CALL fill('instead');
CREATE RULE nothing AS ON DELETE TO instead DO INSTEAD NOTHING;
SELECT * FROM cleared('instead');
ALTER TABLE instead DISABLE RULE nothing;
SELECT * FROM cleared('instead');

-- Triggers on DELETE, and one that has nothing to do with it
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO engines.audit VALUES (tg_name, CASE tg_level WHEN 'ROW' THEN old.id END);
    RETURN old;
END
$$;
CREATE FUNCTION note_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO engines.audit SELECT tg_name, id FROM gone;
    RETURN NULL;
END
$$;
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION cleared_with_trigger(name text, definition text, command text DEFAULT NULL,
    OUT engine text, OUT why text, OUT deleted bigint, OUT remaining text, OUT noted text) LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS engines.triggered;
    CREATE TABLE engines.triggered (LIKE engines.plain);
    CALL fill('engines.triggered');
    TRUNCATE engines.audit;
    EXECUTE format('CREATE TRIGGER %I ', name) || definition;
    IF command IS NOT NULL THEN
        EXECUTE format('ALTER TABLE engines.triggered %s TRIGGER %I', command, name);
    END IF;
    SELECT * INTO engine, why, deleted, remaining FROM cleared('engines.triggered');
    SELECT string_agg(concat_ws(' ', what, id), ', ') INTO noted FROM audit;
END
$$;
SELECT outcome.* FROM (VALUES
    (1, 'before_row', 'BEFORE DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', NULL),
    (2, 'after_row', 'AFTER UPDATE OR DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', NULL),
    (3, 'veto', 'BEFORE DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.veto()', NULL),
    (4, 'statement', 'AFTER DELETE ON engines.triggered EXECUTE FUNCTION engines.note()', NULL),
    (5, 'all_rows', 'AFTER DELETE ON engines.triggered REFERENCING OLD TABLE AS gone EXECUTE FUNCTION engines.note_all()', NULL),
    (6, 'disabled', 'AFTER DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', 'DISABLE'),
    (7, 'replica', 'AFTER DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', 'ENABLE REPLICA'),
    (8, 'always', 'AFTER DELETE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', 'ENABLE ALWAYS'),
    (9, 'on_insert', 'AFTER INSERT OR UPDATE ON engines.triggered FOR EACH ROW EXECUTE FUNCTION engines.note()', NULL),
    (10, 'on_truncate', 'AFTER TRUNCATE ON engines.triggered EXECUTE FUNCTION engines.note()', NULL)
) AS t(n, name, definition, command), cleared_with_trigger(name, definition, command) AS outcome ORDER BY n;

--
-- Foreign keys that point at the table: what they say happens, or the call fails and deletes nothing
--
CREATE TABLE parent (id text PRIMARY KEY, expires timestamptz);
CREATE TABLE child (id text REFERENCES parent ON DELETE CASCADE, note text);
CALL fill('parent');
INSERT INTO child SELECT id, 'of ' || id FROM parent;
SELECT * FROM cleared('parent');
TABLE child ORDER BY id;
TRUNCATE parent, child;
ALTER TABLE child DROP CONSTRAINT child_id_fkey, ADD FOREIGN KEY (id) REFERENCES parent ON DELETE SET NULL;
CALL fill('parent');
INSERT INTO child SELECT id, 'of ' || id FROM parent;
SELECT * FROM cleared('parent');
TABLE child ORDER BY note;
TRUNCATE parent, child;
ALTER TABLE child DROP CONSTRAINT child_id_fkey, ADD FOREIGN KEY (id) REFERENCES parent;
CALL fill('parent');
INSERT INTO child SELECT id, 'of ' || id FROM parent;
SELECT test.refusal($$raw_clear_sessions('parent', expires => 'expires')$$, 'SELECT count(*) FROM engines.parent');
-- The table may point at itself, and what is pointed at may be a partitioned table.
CREATE TABLE tree (id text PRIMARY KEY, expires timestamptz, above text REFERENCES tree ON DELETE CASCADE);
CALL fill('tree');
UPDATE tree SET above = 'expired' WHERE id = 'live';
SELECT * FROM cleared('tree');
CREATE TABLE parents (id text PRIMARY KEY, expires timestamptz) PARTITION BY HASH (id);
CREATE TABLE parents_0 PARTITION OF parents FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parents_1 PARTITION OF parents FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE children (id text REFERENCES parents ON DELETE CASCADE);
CALL fill('parents');
INSERT INTO children SELECT id FROM parents;
SELECT * FROM cleared('parents');
TABLE children ORDER BY id;
-- A foreign key of the table's own is no reason for SQL.
ALTER TABLE child ADD expires timestamptz;
UPDATE child SET expires = parent.expires FROM parent WHERE parent.id = child.id;
SELECT * FROM cleared('child');

DROP SCHEMA engines CASCADE;
DROP ACCESS METHOD regress_heap;
