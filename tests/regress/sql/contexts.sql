--
-- The CONTEXT of an ERROR: what users wrote, never the statements that this extension runs for them.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA contexts;
SET search_path = contexts, public;
\set VERBOSITY default
-- An identifier may have lines, too.
CREATE TABLE "two
lines" (id integer, expires timestamptz);
INSERT INTO "two
lines" VALUES (1, '2020-01-01');
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'not this one';
END
$$;
CREATE TRIGGER fail BEFORE DELETE ON "two
lines" FOR EACH ROW EXECUTE FUNCTION fail();
SELECT raw_clear_sessions('"two
lines"', expires => 'expires');
DO $$
BEGIN
    PERFORM public.raw_clear_sessions('"two
lines"', expires => 'expires');
END
$$;
CALL raw_clear_sessions_in_batches('"two
lines"', expires => 'expires');
-- The statement of a trigger's function is its author's.
CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM no_such_table;
    RETURN OLD;
END
$$;
SELECT raw_clear_sessions('"two
lines"', expires => 'expires');
-- Nothing is left where the statement was all there was, and who catches the ERROR goes on.
DROP TRIGGER fail ON "two
lines";
SELECT raw_clear_sessions('"two
lines"', expires => 'expires', filter => '1 / (id - 1) = 1');
DO $$
BEGIN
    FOR i IN 1..20 LOOP
        BEGIN
            PERFORM public.raw_clear_sessions('contexts."two
lines"', expires => 'expires', filter => '1 / (id - 1) = 1');
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END
$$;
SELECT count(*) FROM "two
lines";
