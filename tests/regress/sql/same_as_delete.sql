--
-- Copies of a table, with a history of updates and deletions, toasted values, NULLs and indexes: one cleared by SQL's
-- DELETE, the others by the heap pass and the index pass. What remains is the same, and the storage is sound.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA same;
SET search_path = same, public;
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
CREATE EXTENSION pg_visibility;

CREATE TABLE clock AS SELECT now() - interval '2 years' AS first;

-- The same history for each copy. Half of the rows are frozen and all-visible; some of these are then changed again.
CREATE PROCEDURE make(name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (gone integer, id integer, payload text, small integer, expires timestamptz)
        WITH (fillfactor = 80)', name);
    EXECUTE format('ALTER TABLE %I ALTER payload SET STORAGE EXTERNAL', name);
    EXECUTE format('INSERT INTO %I SELECT 0, n,
        repeat(md5(n::text), CASE WHEN n %% 50 = 0 THEN 300 ELSE n %% 20 END), CASE WHEN n %% 3 > 0 THEN n END,
        CASE WHEN n %% 7 > 0 THEN first + (n %% 11) * interval ''4 years'' END
        FROM clock, generate_series(1, 10000) AS n', name);
    EXECUTE format('ALTER TABLE %I DROP COLUMN gone', name);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (id)', name || '_id', name);
    EXECUTE format('CREATE INDEX %I ON %I (expires DESC NULLS LAST, small)', name || '_expires', name);
    EXECUTE format('CREATE INDEX %I ON %I (md5(payload)) WHERE small IS NULL', name || '_payload', name);
END
$$;
CREATE PROCEDURE change(name text) LANGUAGE plpgsql AS $$
BEGIN
    -- heap-only tuples, moved index entries both ways, deleted rows, a column that older rows have not
    EXECUTE format('UPDATE %I SET payload = payload || ''!'' WHERE id %% 5 = 0', name);
    EXECUTE format('UPDATE %I SET small = -id WHERE id %% 15 = 0', name);
    EXECUTE format('UPDATE %I SET expires = expires + interval ''16 years'' WHERE id %% 4 = 0', name);
    EXECUTE format('UPDATE %I SET expires = expires - interval ''16 years'' WHERE id %% 6 = 0', name);
    EXECUTE format('DELETE FROM %I WHERE id %% 13 = 0', name);
    EXECUTE format('ALTER TABLE %I ADD later integer DEFAULT 7', name);
    EXECUTE format('INSERT INTO %I SELECT id + 20000, payload, small, expires, 8 FROM %I WHERE id %% 17 = 0', name, name);
END
$$;
CALL make('by_delete');
CALL make('by_heap');
CALL make('by_index');
-- What is counted here must not be added to what VACUUM counts.
SELECT pg_stat_force_next_flush();
VACUUM (FREEZE, ANALYZE) by_delete, by_heap, by_index;
CALL change('by_delete');
CALL change('by_heap');
CALL change('by_index');
SELECT count(*), count(*) FILTER (WHERE expires < now()) AS expired, count(*) FILTER (WHERE expires IS NULL) AS endless,
    count(*) FILTER (WHERE pg_column_size(payload) > 2000) AS toasted FROM by_delete;
SELECT pg_stat_force_next_flush();

-- One transaction, so that now() and the cut-off are apart by less than any two instants in the tables.
BEGIN;
DELETE FROM by_delete WHERE expires < now() AND isfinite(expires);
\echo :ROW_COUNT
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT raw_clear_sessions_preview('by_heap', expires => 'expires') ->> 'why' AS why;
SELECT raw_clear_sessions('by_heap', expires => 'expires');
RESET enable_indexscan;
SET LOCAL enable_seqscan = off;
SELECT raw_clear_sessions_preview('by_index', expires => 'expires') ->> 'why' AS why;
SELECT raw_clear_sessions('by_index', expires => 'expires');
COMMIT;

-- What remains
SELECT count(*), sum(hashtext(t::text)) = (SELECT sum(hashtext(t::text)) FROM by_delete AS t) AS same FROM by_heap AS t;
SELECT count(*), sum(hashtext(t::text)) = (SELECT sum(hashtext(t::text)) FROM by_delete AS t) AS same FROM by_index AS t;
(TABLE by_heap EXCEPT ALL TABLE by_delete) UNION ALL (TABLE by_delete EXCEPT ALL TABLE by_heap);
(TABLE by_index EXCEPT ALL TABLE by_delete) UNION ALL (TABLE by_delete EXCEPT ALL TABLE by_index);
-- also when it is read through an index
SET enable_seqscan = off;
SELECT t.id, count(id) OVER () AS live FROM by_index AS t WHERE expires IS NOT NULL ORDER BY expires, id LIMIT 1;
SELECT t.id, count(id) OVER () AS live FROM by_delete AS t WHERE expires IS NOT NULL ORDER BY expires, id LIMIT 1;
RESET enable_seqscan;

-- Tables, toast, indexes and visibility maps are sound, before and after VACUUM.
CREATE FUNCTION unsound() RETURNS TABLE(name regclass, problem text) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relname IN ('by_delete', 'by_heap', 'by_index') ORDER BY relname LOOP
        RETURN QUERY SELECT name, msg FROM verify_heapam(name, check_toast => true);
        RETURN QUERY SELECT name, 'not visible: ' || t FROM pg_check_visible(name) AS t;
        RETURN QUERY SELECT name, 'not frozen: ' || t FROM pg_check_frozen(name) AS t;
        PERFORM bt_index_check(indexrelid, heapallindexed => true) FROM pg_index WHERE indrelid = name;
    END LOOP;
END
$$;
SELECT * FROM unsound();
SELECT pg_stat_force_next_flush();
SELECT pg_stat_clear_snapshot();
SELECT relname, n_tup_del, n_live_tup, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'same' AND relname LIKE 'by%' ORDER BY relname;
VACUUM by_delete, by_heap, by_index;
SELECT * FROM unsound();
SELECT relname, reltuples, relpages = (SELECT relpages FROM pg_class WHERE oid = 'by_delete'::regclass) AS same_pages,
    pg_table_size(oid) = pg_table_size('by_delete') AS same_size, relallvisible = relpages AS all_visible
FROM pg_class WHERE relname IN ('by_delete', 'by_heap', 'by_index') ORDER BY relname;

-- The index pass takes the entries of the index in portions; it ends where they end.
CREATE TABLE portions (expires timestamptz);
CREATE INDEX portions_expires ON portions (expires);
SET enable_seqscan = off;
CREATE FUNCTION cleared(expired integer, OUT deleted bigint, OUT remaining bigint) LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE same.portions;
    INSERT INTO same.portions SELECT now() - n * interval '1 minute' FROM generate_series(1, expired) AS n;
    INSERT INTO same.portions VALUES (now() + interval '1 day'), (NULL);
    deleted := raw_clear_sessions('same.portions', expires => 'expires');
    remaining := count(*) FROM same.portions;
END
$$;
SELECT expired, cleared.* FROM unnest(ARRAY[0, 1, 16383, 16384, 16385, 32768, 40000]) AS expired, cleared(expired);

\set VERBOSITY terse
DROP SCHEMA same CASCADE;
