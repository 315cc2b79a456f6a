-- The extension's own schema, for what is not called by users: relations in a schema of theirs would be taken for theirs
-- by the tools that keep it in line with an application's models. Without IF NOT EXISTS: what others have prepared under
-- this name is not taken over. An empty schema of the installing role's is made anew: Rails' schema.rb makes it first.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_extension AS e
        ON e.extname OPERATOR(pg_catalog.=) 'raw_clear_sessions' AND pg_catalog.pg_has_role(e.extowner, n.nspowner, 'USAGE')
        WHERE n.nspname OPERATOR(pg_catalog.=) 'raw_clear_sessions')
    THEN
        DROP SCHEMA raw_clear_sessions;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist THEN
        RAISE duplicate_schema USING MESSAGE = 'schema "raw_clear_sessions" exists already, and something depends on it',
            HINT = 'Give the schema another name, or what is in it another schema.';
END
$$;
CREATE SCHEMA raw_clear_sessions;

COMMENT ON SCHEMA raw_clear_sessions IS 'what the worker of the extension raw_clear_sessions is to do, does, and has done';

-- sql/tables.sql completes it; the function that reads it comes in between.
CREATE TYPE raw_clear_sessions.scheduled_table;

-- What is inside has privileges of its own.
GRANT USAGE ON SCHEMA raw_clear_sessions TO PUBLIC;
