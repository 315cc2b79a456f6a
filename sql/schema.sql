-- The extension's own schema, for what is not called by users: relations in a schema of theirs would be taken for theirs
-- by the tools that keep it in line with an application's models. Without IF NOT EXISTS: what others have prepared under
-- this name is not taken over.
CREATE SCHEMA raw_clear_sessions;

COMMENT ON SCHEMA raw_clear_sessions IS 'what the worker of the extension raw_clear_sessions is to do, does, and has done';

-- sql/tables.sql completes it; the function that reads it comes in between.
CREATE TYPE raw_clear_sessions.scheduled_table;

-- What is inside has privileges of its own.
GRANT USAGE ON SCHEMA raw_clear_sessions TO PUBLIC;
