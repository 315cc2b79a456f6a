--
-- Who may do what with which object: as a table, one line a role and an object, one column a function. "delete" is what
-- SQL's DELETE says. Each call is undone.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA matrix;
SET search_path = matrix, public;
SET client_min_messages = error;
CREATE ROLE regress_owner;
CREATE ROLE regress_deleter;
CREATE ROLE regress_delete_only;
CREATE ROLE regress_column;
CREATE ROLE regress_reader;
CREATE ROLE regress_none;
CREATE ROLE regress_member IN ROLE regress_owner;
CREATE ROLE regress_noinherit NOINHERIT IN ROLE regress_owner;
CREATE ROLE regress_monitor IN ROLE pg_monitor;
GRANT USAGE, CREATE ON SCHEMA matrix TO PUBLIC;

CREATE TABLE "table" (id integer PRIMARY KEY, at timestamptz);
CREATE TABLE secured (LIKE "table");
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE TABLE partitioned (LIKE "table") PARTITION BY LIST (id);
CREATE TABLE partition PARTITION OF partitioned DEFAULT;
CREATE VIEW view AS TABLE "table";
DO $$
DECLARE
    object text;
BEGIN
    FOREACH object IN ARRAY ARRAY['"table"', 'secured', 'partitioned', 'view'] LOOP
        IF object <> 'view' THEN
            EXECUTE format('INSERT INTO %s VALUES (1, now() - interval ''1 day''), (2, now() + interval ''1 day'')', object);
        END IF;
        EXECUTE format('ALTER TABLE %s OWNER TO regress_owner; GRANT SELECT, DELETE ON %1$s TO regress_deleter;
            GRANT DELETE ON %1$s TO regress_delete_only, regress_column; GRANT SELECT (at) ON %1$s TO regress_column;
            GRANT SELECT ON %1$s TO regress_reader', object);
    END LOOP;
    ALTER TABLE partition OWNER TO regress_owner;
END
$$;

-- What comes of it: rows, "yes", or the SQLSTATE.
CREATE FUNCTION try(who text, setting text, command text) RETURNS text LANGUAGE plpgsql SET search_path = matrix, public AS $$
DECLARE
    outcome text;
BEGIN
    EXECUTE setting;
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE command INTO outcome;
    RAISE SQLSTATE 'ZZ000' USING MESSAGE = CASE WHEN outcome LIKE '{%' OR outcome = '' THEN 'yes' ELSE outcome END;
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN sqlerrm;
    WHEN OTHERS THEN RETURN sqlstate;
END
$$;
CREATE FUNCTION matrix(setting text, OUT object text, OUT role text, OUT "delete" text, OUT clear text, OUT rewrite text,
    OUT preview text, OUT schedule text, OUT unschedule text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT o, r,
        try('regress_' || r, setting, format('WITH d AS (DELETE FROM %s WHERE at < now() RETURNING 1) SELECT count(*) FROM d', o)),
        try('regress_' || r, setting, format('SELECT raw_clear_sessions(%L, expires => ''at'')', o)),
        try('regress_' || r, setting, format('SELECT raw_clear_sessions_rewrite(%L, expires => ''at'')', o)),
        try('regress_' || r, setting, format('SELECT raw_clear_sessions_preview(%L, expires => ''at'')', o)),
        try('regress_' || r, setting, format('SELECT raw_clear_sessions_schedule(%L, expires => ''at'')', o)),
        try('regress_' || r, setting, format('SELECT raw_clear_sessions_unschedule(%L)', o))
    FROM unnest(ARRAY['"table"', 'secured', 'partitioned', 'view']) WITH ORDINALITY AS os(o, n),
        unnest(ARRAY['owner', 'member', 'noinherit', 'deleter', 'column', 'delete_only', 'reader', 'monitor', 'none']) WITH ORDINALITY AS rs(r, m)
    ORDER BY n, m
$$;
SELECT * FROM matrix('SELECT 1');
-- The same whatever the engine, and nothing at all in a read-only transaction; preview apart.
WITH auto AS (SELECT object, role, clear, preview, schedule, unschedule FROM matrix('SELECT 1')),
    sql AS (SELECT object, role, clear, preview, schedule, unschedule FROM matrix('SET LOCAL raw_clear_sessions.engine = sql'))
SELECT count(*) AS others FROM (TABLE sql EXCEPT TABLE auto) AS d;
SELECT DISTINCT "delete", clear, rewrite, schedule, unschedule FROM matrix('SET LOCAL transaction_read_only = on') WHERE object <> 'view' ORDER BY 1, 2, 3, 4, 5;
SELECT role, "delete", clear, rewrite, preview FROM matrix('SET LOCAL row_security = off') WHERE object = 'secured';

-- The extension's own objects: what roles may do with them.
SELECT object, role, string_agg(privilege, ', ' ORDER BY privilege) AS privileges
FROM unnest(ARRAY['raw_clear_sessions.policy', 'raw_clear_sessions.run', 'raw_clear_sessions.status', 'raw_clear_sessions.progress']) AS object,
    unnest(ARRAY['regress_owner', 'regress_monitor', 'regress_none']) AS role,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
WHERE has_table_privilege(role, object, privilege) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT p.proname, p.prosecdef AS definer, has_function_privilege('regress_none', p.oid, 'EXECUTE') AS "for everybody"
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'raw_clear_sessions' JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' ORDER BY 1;
-- Not even a superuser clears, rewrites or schedules the extension's own tables.
SELECT test.refusal($$raw_clear_sessions('raw_clear_sessions.run', expires => 'started')$$);
SELECT test.refusal($$raw_clear_sessions_rewrite('raw_clear_sessions.policy', expires => 'changed')$$);
SELECT test.refusal($$raw_clear_sessions_schedule('raw_clear_sessions.run', expires => 'started')$$);
SELECT test.refusal($$raw_clear_sessions_preview('raw_clear_sessions.policy', expires => 'changed')$$);

\set VERBOSITY terse
DROP SCHEMA matrix CASCADE;
DROP ROLE regress_owner, regress_deleter, regress_delete_only, regress_column, regress_reader, regress_none, regress_member, regress_noinherit, regress_monitor;
