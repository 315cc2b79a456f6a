--
-- CREATE EXTENSION raw_clear_sessions: by whom, into which schema, and what it brings.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
SET client_min_messages = warning;
\set SHOW_CONTEXT never
-- As \dx+ shows it; from PostgreSQL 17 on, that has the row types of tables and views as well.
SELECT pg_describe_object(classid, objid, 0) COLLATE "C" AS "object description" FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND classid <> 'pg_type'::regclass
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'raw_clear_sessions')
ORDER BY 1;

-- Everything is done in a transaction, which takes it back.
BEGIN;
DROP EXTENSION raw_clear_sessions;
-- It is trusted: whoever may create objects in the database may install it, and owns nothing that the script makes.
CREATE ROLE regress_extension;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_extension', current_database()) \gexec
SET LOCAL ROLE regress_extension;
CREATE SCHEMA "Web sessions";
-- An empty schema of the extension's name, as Rails' schema.rb makes it, is in nobody's way; it has to be the role's own.
CREATE SCHEMA raw_clear_sessions;
SAVEPOINT s;
CREATE TYPE raw_clear_sessions.kept AS ENUM ();
CREATE EXTENSION raw_clear_sessions SCHEMA "Web sessions";
ROLLBACK TO s;
CREATE EXTENSION raw_clear_sessions SCHEMA raw_clear_sessions;
ROLLBACK TO s;
RESET ROLE;
ALTER SCHEMA raw_clear_sessions OWNER TO pg_monitor;
SET LOCAL ROLE regress_extension;
CREATE EXTENSION raw_clear_sessions SCHEMA "Web sessions";
ROLLBACK TO s;
CREATE EXTENSION raw_clear_sessions SCHEMA "Web sessions";
RESET ROLE;
SELECT nspowner = 10 AS of_superuser FROM pg_namespace WHERE nspname = 'raw_clear_sessions';
SELECT extname, extowner::regrole, extnamespace::regnamespace, extrelocatable, extconfig = '{raw_clear_sessions.policy}'::regclass[]::oid[] AS dumped FROM pg_extension
WHERE extname = 'raw_clear_sessions';
SELECT proname, proowner = 10 AS of_superuser, prosecdef, proconfig FROM pg_proc WHERE pronamespace = '"Web sessions"'::regnamespace
ORDER BY proname;
-- It works there, whatever the search_path.
CREATE TABLE public.regress_extension (id integer, expires timestamptz);
INSERT INTO public.regress_extension VALUES (1, now() - interval '1 day'), (2, now() + interval '1 day'), (3, now() - interval '1 day');
SET LOCAL search_path = '';
SELECT "Web sessions".raw_clear_sessions('public.regress_extension', expires => 'expires', filter => 'id = 1');
SELECT "Web sessions".raw_clear_sessions('public.regress_extension', expires => 'expires');
SELECT "Web sessions".raw_clear_sessions_preview('public.regress_extension', expires => 'expires', exact => true) ->> 'total_rows' AS total_rows;
SAVEPOINT s;
ALTER EXTENSION raw_clear_sessions SET SCHEMA public;
ROLLBACK TO s;
-- Without it nothing is left.
DROP EXTENSION raw_clear_sessions;
SELECT count(*) FROM pg_proc WHERE pronamespace = '"Web sessions"'::regnamespace;
ROLLBACK;
