--
-- What depends on the session's search_path is another thing to the worker, which has no schema but PostgreSQL's own in it: it cannot
-- be scheduled. A call goes by the session's, as DELETE does.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA paths;
SET search_path = paths, public;
SET client_min_messages = warning;
CREATE TABLE tok (name text, valid_until timestamptz);
CREATE TABLE tok_archive () INHERITS (tok);
INSERT INTO tok_archive VALUES ('tok_archive', now() - interval '1 day');

CREATE FUNCTION try(rule text, parameter text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    call text := format('SELECT raw_clear_sessions_schedule(''paths.tok'', ''1 h'', %s)',
        CASE parameter WHEN 'filter' THEN format('expires => ''valid_until'', filter => %L', rule) ELSE format('expires => %L', rule) END);
BEGIN
    FOR i IN 1..2 LOOP
        BEGIN
            EXECUTE call;
            PERFORM raw_clear_sessions_unschedule('paths.tok');
            RETURN 'accepted';
        EXCEPTION WHEN invalid_parameter_value THEN
            IF SQLERRM NOT LIKE 'time_zone is required%' THEN
                RETURN SQLERRM;
            END IF;
            call := replace(call, '''1 h''', '''1 h'', time_zone => ''UTC''');
        END;
    END LOOP;
END
$$;
SELECT rule, try(rule, 'filter') FROM (VALUES
    ('tableoid::regclass::text <> ''tok_archive'''),
    ('tableoid::regclass::varchar <> ''tok_archive'''),
    ('format(''%s'', tableoid::regclass) <> ''tok_archive'''),
    ('concat(tableoid::regclass) <> ''tok_archive'''),
    ('to_jsonb(tableoid::regclass) #>> ''{}'' <> ''tok_archive'''),
    ('array_to_string(ARRAY[tableoid::regclass], '','') <> ''tok_archive'''),
    ('ROW(tableoid::regclass)::text <> ''(tok_archive)'''),
    ('xmlelement(name a, tableoid::regclass)::text <> ''<a>tok_archive</a>'''),
    ('name::regclass <> tableoid'),
    ('to_regclass(name) <> tableoid'),
    ('to_regclass(''hold'') IS NULL'),
    ('tableoid IS DISTINCT FROM to_regclass(''tok_archive'')'),
    ('to_regtype(''held'') IS NULL'),
    ('pg_typeof(valid_until)::text <> ''date'''),
    ('format_type(1184, -1) <> ''date'''),
    ('pg_table_is_visible(tableoid)'),
    ('current_schema() <> ''held'''),
    ('CURRENT_SCHEMA <> ''held'''),
    ('''held'' <> ALL (current_schemas(false))'),
    ('pg_get_partkeydef(tableoid) IS NULL')) AS refused (rule);
SELECT rule, try(rule, 'filter') FROM (VALUES
    ('tableoid <> ''paths.tok_archive''::regclass'),
    ('tableoid::regclass <> ''paths.tok_archive''::regclass'),
    ('tableoid NOT IN (''paths.tok_archive''::regclass, ''paths.tok''::regclass)'),
    ('tableoid::regclass = ANY (ARRAY[''paths.tok''::regclass])'),
    ('tableoid <> to_regclass(''paths.tok_archive'')'),
    ('tableoid <> (''paths.tok_archive''::text)::regclass'),
    ('to_regclass(''paths.hold'') IS NULL'),
    ('to_regclass(''pg_class'') IS NOT NULL'),
    ('pg_typeof(valid_until) = ''timestamptz''::regtype'),
    ('pg_typeof(name) = ''text''::regtype'),
    ('tableoid::regclass IS NOT NULL'),
    ('''pg_monitor''::regrole::text <> name')) AS accepted (rule);
SELECT rule, try(rule, 'expires') FROM (VALUES
    ('CASE WHEN tableoid::regclass::text <> ''tok_archive'' THEN valid_until END'),
    ('CASE WHEN tableoid <> ''paths.tok_archive''::regclass THEN valid_until END')) AS expression (rule);
SELECT raw_clear_sessions_schedule('tok', '1 h', expires => 'valid_until', time_zone => 'UTC', filter => 'tableoid::regclass::text <> ''tok_archive''');
SELECT raw_clear_sessions('tok', expires => 'valid_until', time_zone => 'UTC', filter => 'tableoid::regclass::text <> ''tok_archive''');
SELECT raw_clear_sessions('tok', expires => 'valid_until', time_zone => 'UTC', filter => 'tableoid <> (''tok_archive''::text)::regclass');
SELECT count(*) FROM tok_archive;

-- So it is with the role that acts: the worker acts as the table's owner.
CREATE ROLE regress_owner;
GRANT ALL ON SCHEMA paths TO regress_owner;
CREATE TABLE owned (tenant name, valid_until timestamptz);
ALTER TABLE owned OWNER TO regress_owner;
INSERT INTO owned VALUES ('regress_owner', now() - interval '1 day');
CREATE FUNCTION try(rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM raw_clear_sessions_schedule('paths.owned', '1 h', expires => 'valid_until', keep => '0', filter => rule,
        time_zone => CASE WHEN rule LIKE '%(%' THEN 'UTC' END);
    PERFORM raw_clear_sessions_unschedule('paths.owned');
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END
$$;
CREATE VIEW rules AS SELECT n, rule FROM unnest(ARRAY[
    'tenant = current_user',
    'tenant = session_user',
    'tenant = USER',
    'has_table_privilege(tableoid, ''SELECT'')',
    'has_column_privilege(tableoid, 1::smallint, ''SELECT'')',
    'has_any_column_privilege(tableoid, ''SELECT'')',
    'pg_has_role(''pg_monitor'', ''USAGE'')',
    'has_table_privilege(tenant, tableoid, ''SELECT'')',
    'pg_has_role(tenant, ''pg_monitor'', ''USAGE'')']) WITH ORDINALITY AS r (rule, n);
GRANT SELECT ON rules TO regress_owner;
SELECT rule, try(rule) FROM rules ORDER BY n;
SET ROLE regress_owner;
SELECT rule, try(rule) FROM rules ORDER BY n;
RESET ROLE;
SET SESSION AUTHORIZATION regress_owner;
SELECT try('tenant = session_user');
RESET SESSION AUTHORIZATION;

DROP SCHEMA paths CASCADE;
DROP ROLE regress_owner;
