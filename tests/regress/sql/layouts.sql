--
-- Where in a row the column may lie: behind any number of columns of every kind of storage, NULL or not, dropped or
-- added later. What remains has to be what the same condition in SQL leaves, through the heap pass and by rewriting.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA layouts;
SET search_path = layouts, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET enable_indexscan = off;
SELECT setseed(0.5);

-- One value of each kind of storage, as SQL that is evaluated anew for each row.
CREATE FUNCTION value_of(type text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT 'CASE WHEN random() < 0.2 THEN NULL ELSE ' || CASE type
        WHEN 'bool' THEN 'random() < 0.5'
        WHEN '"char"' THEN '''x''::"char"'
        WHEN 'int2' THEN '(random() * 30000)::int2'
        WHEN 'int4' THEN '(random() * 30000)::int4'
        WHEN 'int8' THEN '(random() * 30000)::int8'
        WHEN 'uuid' THEN 'gen_random_uuid()'
        WHEN 'name' THEN '''name''::name'
        WHEN 'numeric' THEN '(random() * 10 ^ (random() * 40))::numeric'
        WHEN 'inet' THEN '''::1''::inet'
        WHEN 'interval' THEN 'interval ''1 day'''
        WHEN 'timetz' THEN '''12:00+02''::timetz'
        WHEN 'int4[]' THEN 'array_fill(7, ARRAY[(random() * 100)::int4])'
        -- From empty over short, ordinary and compressed values to values stored out of line.
        ELSE '(SELECT string_agg(md5(random()::text || n), '''') FROM generate_series(1, (10 ^ (random() * 2.6))::int4 - 1) n)'
    END || ' END'
$$;

-- Fills a table of a random layout, and returns the names of those who have to remain.
CREATE FUNCTION fill(before int, after int, expires text, OUT remaining int[]) LANGUAGE plpgsql AS $$
DECLARE
    types text[] := ARRAY['bool', '"char"', 'int2', 'int4', 'int8', 'uuid', 'name', 'numeric', 'inet', 'interval', 'timetz', 'int4[]',
        'text', 'text', 'text', 'bytea'];
    columns text[] := '{}';
    vals text[] := '{}';
    type text;
BEGIN
    FOR n IN 1 .. before + after LOOP
        type := types[1 + floor(random() * cardinality(types))];
        IF n = before + 1 THEN
            columns := columns || format('expires %s', expires);
            vals := vals || format('CASE WHEN random() < 0.1 THEN NULL ELSE (now() + (random() - 0.5) * interval ''400 days'')::%s END', expires);
        END IF;
        columns := columns || format('c%s %s', n, type);
        vals := vals || (value_of(type) || CASE type WHEN 'bytea' THEN '::text::bytea' ELSE '' END);
    END LOOP;
    DROP TABLE IF EXISTS target;
    EXECUTE format('CREATE TABLE target (%s)', array_to_string(columns, ', '));
    IF random() < 0.5 THEN
        EXECUTE (SELECT coalesce(string_agg(format('ALTER TABLE target ALTER %I SET STORAGE EXTERNAL', attname), '; '), '')
            FROM pg_attribute WHERE attrelid = 'target'::regclass AND attstorage = 'x');
    END IF;
    EXECUTE format('INSERT INTO target SELECT %s FROM generate_series(1, 100) n WHERE n > 0', array_to_string(vals, ', '));
    IF random() < 0.3 AND before > 0 THEN
        ALTER TABLE target DROP c1;
    END IF;
    ALTER TABLE target ADD id serial;
    EXECUTE format('SELECT ARRAY(SELECT id FROM target WHERE (expires < now()::%s) IS NOT TRUE ORDER BY id)', expires)
        INTO remaining;
END
$$;

DO $$
DECLARE
    remaining int[];
    expires text;
    way text;
    deleted bigint;
    cleared bigint := 0;
    tables int := 0;
BEGIN
    FOREACH way IN ARRAY '{raw_clear_sessions, raw_clear_sessions_rewrite}'::text[] LOOP
        FOREACH expires IN ARRAY '{timestamptz, timestamp, date}'::text[] LOOP
            FOR before IN 0 .. 18 LOOP
                remaining := layouts.fill(before, 3, expires);
                COMMIT;
                EXECUTE format('SELECT %s(''layouts.target'', ''expires'', time_zone => %L)', way,
                    nullif('UTC', CASE expires WHEN 'timestamptz' THEN 'UTC' END)) INTO deleted;
                IF remaining <> ARRAY(SELECT id FROM target ORDER BY id) OR deleted <> 100 - cardinality(remaining) THEN
                    RAISE WARNING '% by %, behind % columns: % deleted, and other rows remain than should',
                        way, expires, before, deleted;
                END IF;
                cleared := cleared + deleted;
                tables := tables + 1;
            END LOOP;
        END LOOP;
    END LOOP;
    RAISE WARNING '% tables, more than a third of their rows deleted: %', tables, cleared > tables * 33;
END
$$;
