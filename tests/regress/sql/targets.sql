--
-- What is cleared stays what it was looked at as: to the end of a call, and from batch to batch.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA targets;
SET search_path = targets, public;
\set SHOW_CONTEXT never

-- All leaves stay open during a call, so that the code of one leaf's trigger cannot alter another, as with DELETE.
CREATE TABLE parent (expires timestamptz);
CREATE TABLE first () INHERITS (parent);
CREATE TABLE second (tenant uuid, expires timestamptz, created timestamptz);
ALTER TABLE second INHERIT parent;
CREATE FUNCTION alter_second() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE targets.second ALTER tenant TYPE bigint USING 1;
    RETURN OLD;
END
$$;
CREATE TRIGGER alter_second BEFORE DELETE ON first FOR EACH ROW EXECUTE FUNCTION alter_second();
INSERT INTO first VALUES ('2020-01-01');
INSERT INTO second SELECT gen_random_uuid(), '2199-01-01', '2019-01-01' FROM generate_series(1, 1000);
SELECT raw_clear_sessions('parent', expires => 'expires');
DELETE FROM parent WHERE expires < now();
SELECT count(*) FROM second;

\set VERBOSITY terse
DROP TABLE parent CASCADE;

-- The guard of a table is not for everybody to take.
CREATE TABLE guarded (expires timestamptz);
INSERT INTO guarded VALUES ('2020-01-01'), ('2199-01-01');
CREATE ROLE regress_blocker;
SELECT 'guarded'::regclass::oid::integer AS guarded \gset
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('dbname=%L host=%L port=%s user=%L', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('other', 'SET ROLE regress_blocker');
SELECT count(*) FROM dblink('other', format('SELECT pg_advisory_lock(1919118451, %s)::text', :guarded)) AS answer (nothing text);
SELECT raw_clear_sessions('guarded', expires => 'expires');
SELECT dblink_disconnect('other');
DROP ROLE regress_blocker;

-- Batches of SQL's delete no more than they should, also where expired rows come after a stretch of live ones.
CREATE TABLE stretch (id integer, expires timestamptz);
INSERT INTO stretch SELECT i, '2199-01-01' FROM generate_series(1, 50000) AS i;
INSERT INTO stretch SELECT i, '2020-01-01' FROM generate_series(1, 20000) AS i;
CREATE TABLE batch (number xid8);
CREATE FUNCTION count_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO targets.batch VALUES (pg_current_xact_id());
    RETURN NULL;
END
$$;
CREATE TRIGGER count_batch AFTER DELETE ON stretch FOR EACH ROW EXECUTE FUNCTION count_batch();
-- Nor do they read the table once for each, whatever the session's settings are.
SET enable_tidscan = off;
CALL raw_clear_sessions_in_batches('stretch', expires => 'expires', batch_size => 1000);
RESET enable_tidscan;
SELECT max(rows) FROM (SELECT count(*) AS rows FROM batch GROUP BY number) AS counted;
SELECT count(*) FROM stretch;

-- Where SQL deletes, the right to read the column is enough.
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA targets TO regress_reader;
CREATE TABLE readable (secret text, expires timestamptz);
INSERT INTO readable VALUES ('', '2020-01-01'), ('', '2199-01-01');
GRANT SELECT (expires), DELETE ON readable TO regress_reader;
SET ROLE regress_reader;
CALL raw_clear_sessions_in_batches('readable', expires => 'expires + interval ''24 hours''');
RESET ROLE;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;

-- What the caller has done in the same transaction before is committed by itself, as durable as the caller has set it.
INSERT INTO readable VALUES ('', '2020-01-01');
CREATE TRIGGER count_batch AFTER DELETE ON readable FOR EACH ROW EXECUTE FUNCTION count_batch();
TRUNCATE batch;
DO $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO targets.batch VALUES (pg_current_xact_id());
    CALL public.raw_clear_sessions_in_batches('targets.readable', expires => 'expires', deleted => n);
END
$$;
SELECT count(*), count(DISTINCT number) FROM batch;

DROP SCHEMA targets CASCADE;
