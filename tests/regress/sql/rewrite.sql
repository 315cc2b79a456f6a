--
-- raw_clear_sessions_rewrite: keeps the same rows as DELETE, and everything that hangs on the table; refuses where
-- somebody would have to hear of the deletion.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA rewritten;
SET search_path = rewritten, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE EXTENSION IF NOT EXISTS pg_visibility;

-- Copies of a table with a history: toasted values, dropped and added columns, updates, deletions, NULLs.
CREATE TABLE clock AS SELECT now() - interval '5 years' AS first;
CREATE PROCEDURE make(name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (gone text, id integer, payload text, small integer, expires timestamptz,
        naive timestamp, millis numeric)', name);
    EXECUTE format('ALTER TABLE %I ALTER gone SET STORAGE EXTERNAL, ALTER payload SET STORAGE EXTERNAL', name);
    EXECUTE format('INSERT INTO %I SELECT repeat(''gone'', CASE WHEN n %% 40 = 0 THEN 2000 ELSE n %% 9 END), n,
        repeat(md5(n::text), CASE WHEN n %% 50 = 0 THEN 300 ELSE n %% 20 END), CASE WHEN n %% 3 > 0 THEN n END,
        e, e, round(extract(epoch FROM e) * 1000)
        FROM (SELECT n, CASE WHEN n %% 7 > 0 THEN first + (n %% 11) * interval ''1 year'' END AS e
            FROM clock, generate_series(1, 5000) AS n) AS rows', name);
    EXECUTE format('ALTER TABLE %I DROP COLUMN gone', name);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (id)', name);
    EXECUTE format('CREATE INDEX ON %I (expires DESC NULLS LAST, small)', name);
    EXECUTE format('CREATE INDEX ON %I (md5(payload)) WHERE small IS NULL', name);
    EXECUTE format('CREATE INDEX ON %I USING hash (small)', name);
    EXECUTE format('UPDATE %I SET payload = payload || ''!'' WHERE id %% 5 = 0', name);
    EXECUTE format('UPDATE %I SET expires = expires + interval ''10 years'' WHERE id %% 6 = 0', name);
    EXECUTE format('DELETE FROM %I WHERE id %% 13 = 0', name);
    EXECUTE format('ALTER TABLE %I ADD later integer DEFAULT 7', name);
    EXECUTE format('INSERT INTO %I SELECT id + 20000, payload, small, expires, naive, millis, 8 FROM %I WHERE id %% 17 = 0', name, name);
END
$$;
CREATE FUNCTION same(name text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    live bigint;
    different bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I', name) INTO live;
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT ALL TABLE %2$I) UNION ALL (TABLE %2$I EXCEPT ALL TABLE %1$I)) AS d',
        name, other) INTO different;
    RETURN format('%s rows, %s different', live, different);
END
$$;
-- Damage in a table, its toast table and their btree indexes
CREATE FUNCTION damage(name regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT finding::text FROM verify_heapam(name, check_toast => true) AS finding;
    PERFORM bt_index_check(indexrelid, heapallindexed => true) FROM pg_index JOIN pg_class i ON i.oid = indexrelid
        JOIN pg_am a ON a.oid = i.relam, pg_class c
        WHERE c.oid = name AND indrelid IN (c.oid, c.reltoastrelid) AND amname = 'btree';
    RETURN QUERY SELECT tid::text FROM pg_check_visible(name) AS tid UNION ALL SELECT tid::text FROM pg_check_frozen(name) AS tid;
END
$$;

-- By a stored column, a filter, an expression and a column without fixed width, each beside SQL's DELETE
CALL make('d_column');
CALL make('r_column');
CALL make('d_filter');
CALL make('r_filter');
CALL make('d_expression');
CALL make('r_expression');
CALL make('d_naive');
CALL make('r_naive');
CALL make('d_numeric');
CALL make('r_numeric');
SELECT (raw_clear_sessions('d_column', 'expires'), raw_clear_sessions_rewrite('r_column', 'expires'));
SELECT (raw_clear_sessions('d_filter', 'expires', filter => 'small < 2000'),
    raw_clear_sessions_rewrite('r_filter', 'expires', filter => 'small < 2000'));
SELECT (raw_clear_sessions('d_expression', 'expires + small * interval ''1 day''', time_zone => 'UTC'),
    raw_clear_sessions_rewrite('r_expression', 'expires + small * interval ''1 day''', time_zone => 'UTC'));
SELECT (raw_clear_sessions('d_naive', 'naive', time_zone => 'Europe/Berlin', keep => '1 year'),
    raw_clear_sessions_rewrite('r_naive', 'naive', time_zone => 'Europe/Berlin', keep => '1 year'));
SELECT (raw_clear_sessions('d_numeric', 'millis', unit => 'milliseconds'),
    raw_clear_sessions_rewrite('r_numeric', 'millis', unit => 'milliseconds'));
SELECT name, same('r_' || name, 'd_' || name), (SELECT count(*) FROM damage(('r_' || name)::regclass)) AS damage
FROM unnest('{column,filter,expression,naive,numeric}'::text[]) AS name;
-- Tuples from before a column was added have its value, toasted values are the table's own, dead rows have gone.
SELECT later, count(*) FROM r_column GROUP BY later ORDER BY later;
SELECT sum(length(payload)) = (SELECT sum(length(payload)) FROM d_column) AS same FROM r_column;
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'r_column'::regclass \gset
SELECT count(DISTINCT chunk_id) = (SELECT count(*) FROM r_column WHERE length(payload) > 2000) AS no_toast_too_many FROM :toast;
VACUUM (ANALYZE) r_column;
SELECT same('r_column', 'd_column'), (SELECT count(*) FROM damage('r_column')) AS damage;
-- A column that came later, where none has been dropped; and one that was dropped, where none came later.
CREATE TABLE grown (id integer, expires timestamptz);
INSERT INTO grown SELECT n, first + (n % 11) * interval '1 year' FROM clock, generate_series(1, 1000) AS n;
ALTER TABLE grown ADD later integer DEFAULT 7;
CREATE TABLE shrunk (id integer, gone text, expires timestamptz);
ALTER TABLE shrunk ALTER gone SET STORAGE EXTERNAL;
INSERT INTO shrunk SELECT id, repeat('gone', 2000), expires FROM grown;
ALTER TABLE shrunk DROP COLUMN gone;
SELECT count(*) AS live FROM grown WHERE expires >= now() \gset
SELECT raw_clear_sessions_rewrite('grown', 'expires') + :live AS rows;
SELECT raw_clear_sessions_rewrite('shrunk', 'expires') + :live AS rows;
SELECT later, count(*) = :live AS all FROM grown GROUP BY later;
SELECT relname, reltuples = :live AS reltuples, relpages = pg_relation_size(oid) / 8192 AS relpages,
    (SELECT count(*) FROM damage(oid)) AS damage
FROM pg_class WHERE oid IN ('grown'::regclass, 'shrunk'::regclass) ORDER BY relname;
SELECT pg_relation_size('shrunk') <= pg_relation_size('grown') AS without_what_was_dropped;
-- once more, with nothing to do, and rolled back
SELECT raw_clear_sessions_rewrite('r_column', 'expires');
SELECT pg_relation_filenode('r_column') AS before \gset
BEGIN;
SELECT raw_clear_sessions_rewrite('r_column', 'expires', filter => 'true') AS removed;
SELECT raw_clear_sessions_rewrite('r_column', 'naive', time_zone => 'UTC') > 0 AS removed;
SELECT same('r_column', 'd_column');
ROLLBACK;
SELECT pg_relation_filenode('r_column') = :before AS same_file, same('r_column', 'd_column');
BEGIN;
SAVEPOINT a;
SELECT raw_clear_sessions_rewrite('d_filter', 'expires') > 0 AS removed;
ROLLBACK TO a;
SELECT raw_clear_sessions_rewrite('d_filter', 'expires') > 0 AS removed;
COMMIT;
SELECT count(*) FROM damage('d_filter');

-- What hangs on the table stays as it was.
CREATE ROLE rcs_rewrite_reader;
CREATE ROLE rcs_rewrite_owner;
GRANT USAGE, CREATE ON SCHEMA rewritten TO rcs_rewrite_owner;
GRANT USAGE ON SCHEMA test TO rcs_rewrite_owner;
CREATE TABLE kept (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text COLLATE "C" DEFAULT 'x' CHECK (payload <> ''),
    expires timestamptz NOT NULL, twice integer GENERATED ALWAYS AS (2) STORED) WITH (fillfactor = 60, toast.autovacuum_enabled = off);
CREATE INDEX kept_expires ON kept (expires) WITH (fillfactor = 50);
ALTER TABLE kept CLUSTER ON kept_expires;
CREATE UNIQUE INDEX kept_identity ON kept (id, expires);
ALTER TABLE kept REPLICA IDENTITY USING INDEX kept_identity;
ALTER TABLE kept ALTER expires SET STATISTICS 500, ALTER payload SET STORAGE EXTERNAL, ALTER payload SET (n_distinct = -0.5);
CREATE STATISTICS kept_statistics ON id, expires FROM kept;
COMMENT ON TABLE kept IS 'a table';
COMMENT ON COLUMN kept.expires IS 'a column';
COMMENT ON INDEX kept_expires IS 'an index';
GRANT SELECT ON kept TO rcs_rewrite_reader;
CREATE PUBLICATION rcs_rewrite_inserts FOR TABLE kept WITH (publish = 'insert');
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER on_insert BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TRIGGER on_delete BEFORE DELETE ON kept FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE kept DISABLE TRIGGER on_delete;
CREATE VIEW kept_view AS SELECT * FROM kept;
INSERT INTO kept (expires) SELECT now() + (n - 400) * interval '1 day' FROM generate_series(1, 500) AS n;
CREATE FUNCTION described(name regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('class %s: %s', c.relname, to_jsonb(c) - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid}'::text[])
    FROM pg_class c WHERE c.oid = name OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = name)
        OR c.oid = (SELECT reltoastrelid FROM pg_class WHERE oid = name)
    UNION ALL SELECT format('attribute %s', to_jsonb(a) - 'attmissingval') FROM pg_attribute a WHERE attrelid = name
    UNION ALL SELECT format('index %s', to_jsonb(i)) FROM pg_index i WHERE indrelid = name
    UNION ALL SELECT format('constraint %s', to_jsonb(k)) FROM pg_constraint k WHERE conrelid = name
    UNION ALL SELECT format('trigger %s', to_jsonb(t)) FROM pg_trigger t WHERE tgrelid = name
    UNION ALL SELECT format('comment %s', to_jsonb(d)) FROM pg_description d WHERE objoid = name
    UNION ALL SELECT format('publication %s', to_jsonb(p)) FROM pg_publication_rel p WHERE prrelid = name
    UNION ALL SELECT format('statistics %s', to_jsonb(s)) FROM pg_statistic_ext s WHERE stxrelid = name
    UNION ALL SELECT format('depends %s', to_jsonb(d)) FROM pg_depend d WHERE refobjid = name OR objid = name
$$;
CREATE TEMPORARY TABLE before AS SELECT * FROM described('kept');
SELECT count(*) > 30 AS many FROM before;
SELECT age(relfrozenxid) AS age_before FROM pg_class WHERE oid = 'kept'::regclass \gset
SELECT raw_clear_sessions_rewrite('kept', 'expires');
(TABLE before EXCEPT SELECT * FROM described('kept')) UNION ALL (SELECT * FROM described('kept') EXCEPT TABLE before);
SELECT age(relfrozenxid) < :age_before + 1 AS younger, relpages > 0 AS pages, reltuples FROM pg_class WHERE oid = 'kept'::regclass;
SELECT count(*), count(*) FILTER (WHERE expires < now()) AS expired FROM kept_view;
INSERT INTO kept (expires) VALUES (now() + interval '1 day') RETURNING id;
DROP PUBLICATION rcs_rewrite_inserts;

-- The owner may, by membership too; unlogged and temporary tables; statistics
CREATE TABLE own (id integer, expires timestamptz);
INSERT INTO own SELECT n, now() - interval '1 day' + (n > 90)::integer * interval '1 year' FROM generate_series(1, 100) AS n;
ALTER TABLE own OWNER TO rcs_rewrite_owner;
SET ROLE rcs_rewrite_owner;
SELECT raw_clear_sessions_rewrite('own', 'expires');
RESET ROLE;
CREATE UNLOGGED TABLE unlogged AS SELECT * FROM own;
CREATE TEMPORARY TABLE temporary AS SELECT * FROM own;
INSERT INTO unlogged VALUES (0, now() - interval '1 day');
INSERT INTO temporary VALUES (0, now() - interval '1 day');
SELECT raw_clear_sessions_rewrite('unlogged', 'expires'), raw_clear_sessions_rewrite('temporary', 'expires');
SELECT relname, relpersistence FROM pg_class WHERE oid IN ('unlogged'::regclass, 'temporary'::regclass) ORDER BY 1;
SELECT (SELECT count(*) FROM unlogged) AS unlogged, (SELECT count(*) FROM temporary) AS temporary;
SELECT pg_stat_force_next_flush();
SELECT n_tup_del, n_live_tup, n_dead_tup FROM pg_stat_user_tables WHERE relid = 'own'::regclass;

-- Partitions, leaf by leaf: those without expired rows are left alone. Inheritance.
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY RANGE (expires);
CREATE TABLE parted_past PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
CREATE TABLE parted_now PARTITION OF parted FOR VALUES FROM ('2001-01-01') TO ('3001-01-01') PARTITION BY LIST (id);
CREATE TABLE parted_now_odd PARTITION OF parted_now FOR VALUES IN (1, 3);
CREATE TABLE parted_now_rest PARTITION OF parted_now DEFAULT;
CREATE TABLE parted_future PARTITION OF parted FOR VALUES FROM ('3001-01-01') TO (MAXVALUE);
CREATE INDEX ON parted (expires);
INSERT INTO parted SELECT n % 5, e FROM generate_series(1, 50) AS n,
    (VALUES ('2000-01-01'::timestamptz), (now() - interval '1 day'), (now() + interval '1 day'), ('3002-01-01')) AS v(e);
CREATE TEMPORARY TABLE files AS SELECT relid, pg_relation_filenode(relid) AS file FROM pg_partition_tree('parted') WHERE isleaf;
SELECT raw_clear_sessions_rewrite('parted', 'expires');
SELECT tableoid::regclass AS leaf, count(*) FROM parted GROUP BY tableoid ORDER BY tableoid::regclass::text COLLATE "C";
SELECT relid FROM files WHERE pg_relation_filenode(relid) = file;
CREATE TABLE mother (id integer, expires timestamptz);
CREATE TABLE child (name text) INHERITS (mother);
INSERT INTO mother VALUES (1, '2000-01-01'), (2, '3000-01-01');
INSERT INTO child VALUES (3, '2000-01-01', 'a'), (4, '3000-01-01', 'b');
SELECT raw_clear_sessions_rewrite('mother', 'expires');
SELECT tableoid::regclass, id FROM mother ORDER BY id;

-- Table, toast table and indexes stay in their tablespaces.
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE rcs_rewrite_table LOCATION '';
CREATE TABLESPACE rcs_rewrite_index LOCATION '';
CREATE TABLE placed (id integer PRIMARY KEY USING INDEX TABLESPACE rcs_rewrite_index, payload text, expires timestamptz)
    TABLESPACE rcs_rewrite_table;
CREATE INDEX placed_expires ON placed (expires);
ALTER TABLE placed ALTER payload SET STORAGE EXTERNAL;
INSERT INTO placed SELECT n, repeat(md5(n::text), 200), '2000-01-01'::timestamptz + (n % 2) * interval '1000 years'
    FROM generate_series(1, 20) AS n;
CREATE FUNCTION places() RETURNS TABLE (relation text, space name, is_there boolean) LANGUAGE sql AS $$
    SELECT replace(c.relname, t.oid::text, 'oid'), coalesce(spcname, '(the default)'),
        coalesce(pg_relation_filepath(c.oid) LIKE 'pg_tblspc/' || s.oid || '/%', pg_relation_filepath(c.oid) LIKE 'base/%')
    FROM pg_class t, pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
    WHERE t.oid = 'placed'::regclass AND (c.oid IN (t.oid, t.reltoastrelid)
        OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (t.oid, t.reltoastrelid)))
    ORDER BY 1
$$;
CREATE TEMPORARY TABLE places_before AS SELECT * FROM places();
SET default_tablespace = rcs_rewrite_index;
SELECT raw_clear_sessions_rewrite('placed', 'expires');
RESET default_tablespace;
SELECT * FROM places();
TABLE places_before EXCEPT SELECT * FROM places();
SELECT count(*), min(length(payload)), (SELECT count(*) FROM damage('placed')) AS damage FROM placed;
DROP TABLE placed;
DROP TABLESPACE rcs_rewrite_table;
DROP TABLESPACE rcs_rewrite_index;

-- An index that a failed CREATE INDEX CONCURRENTLY left behind is built like the others, as VACUUM FULL does it.
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'kept_expires'::regclass;
SELECT raw_clear_sessions_rewrite('kept', 'expires');
SELECT indisvalid FROM pg_index WHERE indexrelid = 'kept_expires'::regclass;

-- What is refused, and what it says then; the table is as before.
CREATE TABLE sessions (id integer PRIMARY KEY, expires timestamptz);
INSERT INTO sessions SELECT n, now() - interval '1 day' + (n > 5)::integer * interval '1 year' FROM generate_series(1, 10) AS n;
GRANT SELECT, DELETE ON sessions TO rcs_rewrite_owner;
CREATE TABLE pointing (id integer REFERENCES sessions);
CREATE TABLE ruled AS SELECT * FROM sessions;
CREATE RULE no_delete AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE TABLE watched AS SELECT * FROM sessions;
CREATE TRIGGER row_deleted AFTER DELETE ON watched FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE watched_whole AS SELECT * FROM sessions;
CREATE TRIGGER rows_deleted AFTER DELETE ON watched_whole FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CREATE TABLE guarded AS SELECT * FROM sessions;
ALTER TABLE guarded OWNER TO rcs_rewrite_owner;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON guarded USING (true);
CREATE TABLE published AS SELECT * FROM sessions;
ALTER TABLE published REPLICA IDENTITY FULL;
CREATE PUBLICATION rcs_rewrite FOR TABLE published WITH (publish = 'delete');
CREATE FOREIGN DATA WRAPPER rcs_rewrite_nothing;
CREATE SERVER rcs_rewrite_server FOREIGN DATA WRAPPER rcs_rewrite_nothing;
CREATE FOREIGN TABLE far (id integer, expires timestamptz) SERVER rcs_rewrite_server;
CREATE TABLE near (id integer, expires timestamptz);
CREATE FOREIGN TABLE far_child () INHERITS (near) SERVER rcs_rewrite_server;
GRANT SELECT, DELETE ON parted TO rcs_rewrite_owner;
CREATE TABLE mixed (id integer, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE mixed_part PARTITION OF mixed DEFAULT;
ALTER TABLE mixed OWNER TO rcs_rewrite_owner;
CREATE ACCESS METHOD rcs_rewrite_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE other_method (id integer, expires timestamptz) USING rcs_rewrite_heap;
CREATE VIEW v AS SELECT * FROM sessions;
CREATE FUNCTION refusals(calls text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    call text;
BEGIN
    FOREACH call IN ARRAY calls LOOP
        RETURN NEXT '';
        RETURN NEXT format('raw_clear_sessions_rewrite(%s)', call);
        RETURN QUERY SELECT '    ' || line FROM test.refusal(format('raw_clear_sessions_rewrite(%s)', call),
            'SELECT (SELECT count(*) FROM rewritten.sessions) + (SELECT count(*) FROM rewritten.watched)') AS line;
    END LOOP;
END
$$;
\pset tuples_only
\pset format unaligned
SELECT refusals(ARRAY[
    $$'sessions', 'expires'$$,
    $$'ruled', 'expires'$$,
    $$'watched', 'expires'$$,
    $$'watched_whole', 'expires'$$,
    $$'published', 'expires'$$,
    $$'far', 'expires'$$,
    $$'near', 'expires'$$,
    $$'other_method', 'expires'$$,
    $$'v', 'expires'$$,
    $$'pg_catalog.pg_class'$$,
    $$NULL$$,
    $$4294967295$$,
    $$'own'$$
]);
DROP TABLE pointing;
SET raw_clear_sessions.engine = sql;
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
RESET raw_clear_sessions.engine;
SET ROLE rcs_rewrite_owner;
SELECT line FROM test.refusal($$raw_clear_sessions_rewrite('rewritten.sessions', 'expires')$$) AS line;
SELECT line FROM test.refusal($$raw_clear_sessions_rewrite('rewritten.guarded', 'expires')$$) AS line;
SELECT line FROM test.refusal($$raw_clear_sessions_rewrite('rewritten.parted', 'expires')$$) AS line;
SELECT line FROM test.refusal($$raw_clear_sessions_rewrite('rewritten.mixed', 'expires')$$) AS line;
SELECT raw_clear_sessions_preview('rewritten.guarded', 'expires') #>> '{ways,raw_clear_sessions_rewrite,why_not}';
RESET ROLE;

-- a table that this session or its transaction uses
SELECT refusals(ARRAY[$$'sessions', 'expires') FROM (SELECT count(*) FROM rewritten.sessions) AS t, rewritten.sessions WHERE (true$$]);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM sessions;
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
COMMIT;
BEGIN;
INSERT INTO sessions VALUES (11, now() + interval '1 day');
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
ROLLBACK;
BEGIN;
DELETE FROM sessions WHERE id = 10;
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
ROLLBACK;
CREATE TABLE target (id integer PRIMARY KEY);
ALTER TABLE sessions ADD CONSTRAINT deferred FOREIGN KEY (id) REFERENCES target DEFERRABLE INITIALLY DEFERRED NOT VALID;
BEGIN;
UPDATE sessions SET id = id + 100 WHERE id = 10;
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
ROLLBACK;
BEGIN READ ONLY;
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
COMMIT;
-- a slot whose plugin decodes every table
SELECT count(*) FROM pg_create_logical_replication_slot('rcs_rewrite', 'test_decoding');
SELECT refusals(ARRAY[$$'sessions', 'expires'$$]);
SELECT pg_drop_replication_slot('rcs_rewrite');
-- and when nothing is in the way any more
SELECT raw_clear_sessions_rewrite('sessions', 'expires');
SELECT count(*), count(*) FILTER (WHERE expires < now()) FROM sessions;
\pset tuples_only off
\pset format aligned

-- A row as a whole is that of the table that is named, and not the partition's or the child's.
CREATE TABLE parts (id integer, owner text, state text, expires timestamptz) PARTITION BY RANGE (id);
CREATE TABLE part_as_it PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_otherwise (id integer, state text, owner text, expires timestamptz);
ALTER TABLE parts ATTACH PARTITION part_otherwise FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT id, owner, state, '2020-01-01' FROM (VALUES (1, 'guest', 'held'), (11, 'guest', 'held'), (12, 'held', 'guest')) AS r (id, owner, state);
SELECT raw_clear_sessions_rewrite('parts', expires => 'expires', filter => 'parts::text LIKE ''(%,guest,held,%''', time_zone => 'UTC');
CREATE TABLE line (id integer, expires timestamptz);
CREATE TABLE legal_line (legal text) INHERITS (line);
INSERT INTO legal_line VALUES (1, '2020-01-01', 'held');
SELECT raw_clear_sessions_rewrite('line', expires => 'expires', filter => 'to_jsonb(line) ? ''legal''', time_zone => 'UTC');
-- By itself it is.
SELECT raw_clear_sessions_rewrite('legal_line', expires => 'expires', filter => 'to_jsonb(legal_line) ? ''legal''', time_zone => 'UTC');
SELECT preview -> 'ways' -> 'raw_clear_sessions_rewrite' ->> 'why_not' AS why_not, preview ->> 'expired_rows' AS expired
FROM raw_clear_sessions_preview('parts', expires => 'expires', filter => 'parts::text LIKE ''(%,guest,held,%''', time_zone => 'UTC', exact => true) AS preview;
SELECT raw_clear_sessions('parts', expires => 'expires', filter => 'parts::text LIKE ''(%,guest,held,%''', time_zone => 'UTC');
SELECT * FROM parts;

-- A filter that looks at other rows of the table sees those of all partitions, as in a DELETE.
CREATE TABLE kin (id integer, part integer, parent integer, expires timestamptz) PARTITION BY LIST (part);
CREATE TABLE kin_1 PARTITION OF kin FOR VALUES IN (1);
CREATE TABLE kin_2 PARTITION OF kin FOR VALUES IN (2);
INSERT INTO kin VALUES (1, 1, 2, '2020-01-01'), (2, 2, NULL, '2020-01-01'), (3, 1, NULL, '2020-01-01');
CREATE FUNCTION has_child(id integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM kin WHERE parent = $1) $$;
SELECT raw_clear_sessions_rewrite('kin', expires => 'expires', filter => 'NOT has_child(id)');
SELECT id FROM kin;

-- What the preview says of the ways
CREATE TABLE large (id integer, payload text, expires timestamptz);
INSERT INTO large SELECT n, repeat('x', 1000), now() + CASE WHEN n % 100 > 0 THEN -1 ELSE 1 END * interval '1 day' FROM generate_series(1, 10000) AS n;
ANALYZE large;
CREATE FUNCTION ways(name regclass) RETURNS TABLE (way text, possible text, why_not text, lock text, kilobytes_of_wal bigint, pages text)
LANGUAGE sql AS $$
    SELECT key, value ->> 'possible', value ->> 'why_not', value ->> 'lock', (value ->> 'wal_bytes')::bigint / 1000, value ->> 'pages'
    FROM jsonb_each(raw_clear_sessions_preview(name, 'expires', exact => true) -> 'ways') WHERE key <> 'repack' ORDER BY key
$$;
SELECT * FROM ways('large');
SELECT * FROM ways('watched');
SELECT name, preview ->> 'advice' AS advice, preview ->> 'advice_why' AS why
FROM unnest('{large,watched,kept,sessions}'::text[]) AS name, raw_clear_sessions_preview(name::regclass, 'expires', exact => true) AS preview;

\set VERBOSITY terse
DROP PUBLICATION rcs_rewrite;
DROP SCHEMA rewritten CASCADE;
DROP FOREIGN DATA WRAPPER rcs_rewrite_nothing CASCADE;
DROP ACCESS METHOD rcs_rewrite_heap;
REVOKE ALL ON SCHEMA test FROM rcs_rewrite_owner;
DROP ROLE rcs_rewrite_reader, rcs_rewrite_owner;
