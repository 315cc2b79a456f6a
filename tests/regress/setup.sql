\set ECHO none
-- What every suite needs, echoed nowhere: the extension, and schema "test" with helpers. A suite begins with
--     \getenv srcdir PG_ABS_SRCDIR
--     \set setup :srcdir '/setup.sql'
--     \i :setup
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS raw_clear_sessions;
CREATE SCHEMA IF NOT EXISTS test;
GRANT USAGE ON SCHEMA test TO PUBLIC;

-- Runs a call that has to be refused, and says how it was, as psql would: SQLSTATE, message, DETAIL, HINT.
-- `kept` is a query that counts what must not have been deleted; where it changes, that is what is said.
CREATE OR REPLACE FUNCTION test.refusal(call text, kept text DEFAULT 'SELECT 0') RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
    outcome text;
    detail text;
    hint text;
BEGIN
    EXECUTE kept INTO before;
    BEGIN
        EXECUTE 'SELECT ' || call INTO outcome;
        RETURN NEXT 'NOT REFUSED: ' || coalesce(outcome, 'NULL');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN NEXT sqlstate || ': ' || sqlerrm;
        -- What is added to this differs from version to version.
        IF sqlstate = '42883' THEN
            detail := '';
            hint := '';
        END IF;
        IF detail <> '' THEN
            RETURN NEXT 'DETAIL:  ' || detail;
        END IF;
        IF hint <> '' THEN
            RETURN NEXT 'HINT:  ' || hint;
        END IF;
    END;
    EXECUTE kept INTO after;
    IF after <> before THEN
        RETURN NEXT format('ROWS: %s before, %s after', before, after);
    END IF;
END
$$;
RESET client_min_messages;
\set ECHO all
