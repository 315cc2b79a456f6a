--
-- Rights: whoever may DELETE ... WHERE may clear, and nobody else; and under row-level security, the same rows.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA privileges;
SET search_path = privileges, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_owner;
CREATE ROLE regress_janitor;
CREATE ROLE regress_group;
GRANT CREATE, USAGE ON SCHEMA privileges TO regress_owner;
GRANT USAGE ON SCHEMA privileges TO regress_janitor;

SET ROLE regress_owner;
CREATE TABLE session (id integer, site text, expires timestamptz);
CREATE PROCEDURE fill() LANGUAGE sql AS $$
    DELETE FROM privileges.session;
    INSERT INTO privileges.session SELECT n, CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, now() + n * interval '1 day'
    FROM unnest(ARRAY[-4, -3, -2, -1, 1, 2, 3, 4]) AS n
$$;
CALL fill();
RESET ROLE;

-- For each set of grants: what SQL's DELETE says to the janitor, and what the call says. Both are undone.
CREATE FUNCTION as_janitor(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    SET LOCAL ROLE regress_janitor;
    EXECUTE command;
    RAISE SQLSTATE 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN 'allowed';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RETURN concat_ws(', ', sqlstate || ': ' || sqlerrm, 'HINT: ' || nullif(hint, ''));
END
$$;
CREATE FUNCTION janitor(grants text, expires text DEFAULT 'expires', filter text DEFAULT 'true',
    OUT "delete" text, OUT "call" text, OUT preview text) LANGUAGE plpgsql AS $$
BEGIN
    REVOKE ALL ON privileges.session FROM regress_janitor, PUBLIC;
    IF grants <> '' THEN
        EXECUTE format('GRANT %s ON privileges.session TO regress_janitor', grants);
    END IF;
    "delete" := as_janitor(format('DELETE FROM privileges.session WHERE %s < now() AND %s', expires, filter));
    "call" := as_janitor(format('SELECT raw_clear_sessions(''privileges.session'', expires => %L, filter => nullif(%L, ''true''))',
        expires, filter));
    preview := as_janitor(format('SELECT raw_clear_sessions_preview(''privileges.session'', expires => %L, filter => nullif(%L, ''true''))',
        expires, filter));
END
$$;
\x
SELECT janitor.* FROM (VALUES
    (1, '', 'expires', 'true'),
    (2, 'DELETE', 'expires', 'true'),
    (3, 'SELECT', 'expires', 'true'),
    (4, 'DELETE, SELECT (id)', 'expires', 'true')
) AS t(n, grants, expires, filter), janitor(grants, expires, filter) ORDER BY n;
\x
SELECT grants, expires, filter, "delete", substr("call", 1, 44) AS "call", substr(preview, 1, 44) AS preview FROM (VALUES
    (1, 'DELETE, SELECT', 'expires', 'true'),
    (2, 'DELETE, SELECT (expires)', 'expires', 'true'),
    (3, 'DELETE, SELECT (expires)', 'expires', 'site = ''odd'''),
    (4, 'DELETE, SELECT (expires, site)', 'expires', 'site = ''odd'''),
    (5, 'DELETE, SELECT (expires)', 'greatest(expires)', 'true'),
    (6, 'DELETE, SELECT (expires)', 'expires', 'session IS NOT NULL'),
    (7, 'DELETE, SELECT (expires)', 'expires', 'ctid IS NOT NULL'),
    (8, 'TRUNCATE, UPDATE, SELECT', 'expires', 'true')
) AS t(n, grants, expires, filter), janitor(grants, expires, filter) ORDER BY n;

-- Rights through membership count if they are inherited.
REVOKE ALL ON session FROM regress_janitor;
GRANT SELECT, DELETE ON session TO regress_group;
GRANT regress_group TO regress_janitor;
SELECT as_janitor($$SELECT raw_clear_sessions('privileges.session', expires => 'expires')$$);
ALTER ROLE regress_janitor NOINHERIT;
REVOKE regress_group FROM regress_janitor;
GRANT regress_group TO regress_janitor;
SELECT substr(as_janitor($$SELECT raw_clear_sessions('privileges.session', expires => 'expires')$$), 1, 44) AS as_janitor;
REVOKE regress_group FROM regress_janitor;

-- Without USAGE on the schema neither the name nor the oid leads to the table.
SELECT 'privileges.session'::regclass::oid AS session_oid \gset
GRANT SELECT, DELETE ON session TO regress_janitor;
REVOKE USAGE ON SCHEMA privileges FROM regress_janitor;
SET ROLE regress_janitor;
SELECT test.refusal($$raw_clear_sessions('privileges.session', expires => 'expires')$$);
SELECT raw_clear_sessions(:session_oid, expires => 'expires');
RESET ROLE;
GRANT USAGE ON SCHEMA privileges TO regress_janitor;
REVOKE ALL ON session FROM regress_janitor;

-- A SECURITY DEFINER function lends its owner's rights, for just this.
SET ROLE regress_owner;
CREATE FUNCTION clear_session() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT public.raw_clear_sessions('privileges.session', expires => 'expires') $$;
SET ROLE regress_janitor;
SELECT clear_session();
SELECT count(*) FROM session;
RESET ROLE;

--
-- Row-level security
--
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
GRANT SELECT, DELETE ON session TO regress_janitor;
CREATE FUNCTION cleared(OUT engine text, OUT why text, OUT counted text, OUT deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    preview jsonb := raw_clear_sessions_preview('privileges.session', expires => 'expires', exact => true);
BEGIN
    engine := preview ->> 'engine';
    why := preview ->> 'why';
    counted := format('%s of %s', preview ->> 'expired_rows', preview ->> 'total_rows');
    deleted := raw_clear_sessions('privileges.session', expires => 'expires');
END
$$;
-- Without any policy nobody but the owner sees a row.
CALL fill();
SET ROLE regress_janitor;
SELECT * FROM cleared();
RESET ROLE;
-- Deleted is what the policies for SELECT and for DELETE both allow; counted is what the caller can see.
CREATE POLICY odd ON session FOR SELECT TO regress_janitor USING (site = 'odd');
CREATE POLICY large ON session FOR DELETE TO regress_janitor USING (id < -2);
SET ROLE regress_janitor;
SELECT * FROM cleared();
SET row_security = off;
SELECT raw_clear_sessions('session', expires => 'expires');
\echo :LAST_ERROR_SQLSTATE
RESET row_security;
-- Policies are not for the owner, unless forced upon him, and never for a superuser.
SET ROLE regress_owner;
SELECT string_agg(id::text, ' ' ORDER BY id) FROM session;
SELECT * FROM cleared();
CALL fill();
ALTER TABLE session FORCE ROW LEVEL SECURITY;
SELECT * FROM cleared();
RESET ROLE;
CALL fill();
SELECT * FROM cleared();
-- A partition's policies are not for those who come through the parent.
CREATE TABLE parent (id integer, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE partition PARTITION OF parent DEFAULT;
ALTER TABLE partition ENABLE ROW LEVEL SECURITY;
INSERT INTO parent VALUES (1, now() - interval '1 day');
GRANT SELECT, DELETE ON parent, partition TO regress_janitor;
SET ROLE regress_janitor;
SELECT raw_clear_sessions('partition', expires => 'expires');
SELECT raw_clear_sessions('parent', expires => 'expires');
RESET ROLE;

--
-- The setting that switches the raw engine off may belong to an audit: changed only by superusers and who they grant it.
--
SET ROLE regress_janitor;
SET raw_clear_sessions.engine = auto;
SHOW raw_clear_sessions.engine;
RESET ROLE;
GRANT SET ON PARAMETER raw_clear_sessions.engine TO regress_janitor;
SET ROLE regress_janitor;
SET raw_clear_sessions.engine = sql;
RESET raw_clear_sessions.engine;
RESET ROLE;
REVOKE SET ON PARAMETER raw_clear_sessions.engine FROM regress_janitor;

--
-- A function that the caller may not call is no fault of the rows'.
--
CREATE TABLE called (id integer, expires timestamptz);
INSERT INTO called VALUES (1, '2020-01-01');
ALTER TABLE called OWNER TO regress_owner;
CREATE FUNCTION may_go(id integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE OPERATOR @@@ (FUNCTION = may_go, RIGHTARG = integer);
REVOKE EXECUTE ON FUNCTION may_go FROM PUBLIC;
SET ROLE regress_owner;
CALL raw_clear_sessions_in_batches('called', expires => 'expires', filter => 'privileges.may_go(id)');
SELECT raw_clear_sessions('called', expires => 'expires', filter => 'OPERATOR(privileges.@@@) id');
SELECT raw_clear_sessions_schedule('called', expires => 'expires', keep => '0', filter => 'privileges.may_go(id)');
RESET ROLE;
SELECT count(*) FROM called;

--
-- Nor is a table rewritten, or scheduled, that its owner could not name.
--
CREATE TABLE hidden (id integer, expires timestamptz);
INSERT INTO hidden VALUES (1, '2020-01-01');
ALTER TABLE hidden OWNER TO regress_owner;
SELECT 'hidden'::regclass::oid AS hidden \gset
REVOKE USAGE ON SCHEMA privileges FROM PUBLIC, regress_owner;
SET ROLE regress_owner;
SELECT raw_clear_sessions_rewrite(:hidden::regclass, expires => 'expires');
SELECT raw_clear_sessions_schedule(:hidden::regclass, expires => 'expires', keep => '0');
RESET ROLE;
SELECT count(*) FROM hidden;

\set VERBOSITY terse
DROP SCHEMA privileges CASCADE;
DROP ROLE regress_owner, regress_janitor, regress_group;
