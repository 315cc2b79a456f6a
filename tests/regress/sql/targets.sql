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

-- Names in the rule come to be others' in the middle of a call: each of its statements looks them up, and no lock keeps them.
SELECT dblink_connect('other', format('dbname=%L host=%L port=%s user=%L', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
-- Has the other session do what a setting says, the first time that a row is looked at.
CREATE FUNCTION once(id integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('targets.command') <> '' THEN
        PERFORM targets.dblink_exec('other', current_setting('targets.command'));
        PERFORM set_config('targets.command', '', false);
    END IF;
    RETURN true;
END
$$;
CREATE FUNCTION may_go(id integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT id <= 50 $$;
CREATE FUNCTION all_may(id integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT true $$;
CREATE TABLE named (id integer, part integer, pad text, expires timestamptz) PARTITION BY LIST (part);
CREATE TABLE named_1 PARTITION OF named FOR VALUES IN (1);
CREATE TABLE named_2 PARTITION OF named FOR VALUES IN (2);
INSERT INTO named SELECT i, 1 + i % 2, repeat('x', 500), '2020-01-01' FROM generate_series(1, 100) AS i;
SET targets.command = 'ALTER FUNCTION targets.may_go RENAME TO was; ALTER FUNCTION targets.all_may RENAME TO may_go';
SELECT raw_clear_sessions_rewrite('named', expires => 'expires', filter => 'targets.once(id) AND targets.may_go(id)');
SELECT count(*) FROM named;
ALTER FUNCTION may_go RENAME TO all_may;
ALTER FUNCTION was RENAME TO may_go;
SET targets.command = 'ALTER FUNCTION targets.may_go RENAME TO was; ALTER FUNCTION targets.all_may RENAME TO may_go';
CALL raw_clear_sessions_in_batches('named', expires => 'expires', filter => 'targets.once(id) AND targets.may_go(id)', batch_size => 10);
SELECT count(*) FROM named;
-- The same of a domain; nor is all done where nothing is found by what has the name now
CREATE DOMAIN shorter AS varchar(1);
CREATE DOMAIN longer AS varchar(2);
ALTER FUNCTION may_go RENAME TO all_may;
ALTER FUNCTION was RENAME TO may_go;
SET targets.command = 'ALTER DOMAIN targets.longer RENAME TO was; ALTER DOMAIN targets.shorter RENAME TO longer';
SELECT raw_clear_sessions_rewrite('named', expires => 'expires', filter => 'targets.once(id) AND pad::targets.longer = $$xx$$');
SELECT count(*) FROM named;
ALTER DOMAIN longer RENAME TO shorter;
ALTER DOMAIN was RENAME TO longer;
SET targets.command = 'ALTER DOMAIN targets.longer RENAME TO was; ALTER DOMAIN targets.shorter RENAME TO longer';
CALL raw_clear_sessions_in_batches('named', expires => 'expires', filter => 'targets.once(id) AND pad::targets.longer = $$xx$$', batch_size => 10);
SELECT count(*) FROM named;
-- A table in a schema that is renamed
CREATE SCHEMA targets_archive;
CREATE TABLE parent (id integer, pad text, expires timestamptz);
CREATE TABLE targets_archive.old () INHERITS (parent);
INSERT INTO parent SELECT i, repeat('x', 500), '2020-01-01' FROM generate_series(1, 100) AS i;
INSERT INTO targets_archive.old SELECT i, repeat('x', 500), '2020-01-01' FROM generate_series(1, 50) AS i;
SET targets.command = 'ALTER SCHEMA targets_archive RENAME TO targets_older; CREATE SCHEMA targets_archive; CREATE TABLE targets_archive.old ()';
SELECT raw_clear_sessions_rewrite('parent', expires => 'expires', filter => $$targets.once(id) AND tableoid <> 'targets_archive.old'::regclass$$);
DROP SCHEMA targets_archive CASCADE;
ALTER SCHEMA targets_older RENAME TO targets_archive;
SET targets.command = 'ALTER SCHEMA targets_archive RENAME TO targets_older; CREATE SCHEMA targets_archive; CREATE TABLE targets_archive.old ()';
CALL raw_clear_sessions_in_batches('parent', expires => 'expires', filter => $$targets.once(id) AND tableoid <> 'targets_archive.old'::regclass$$, batch_size => 10);
SELECT count(*) FROM parent;
SELECT count(*) FROM targets_older.old;
-- A child that comes in the middle of a batch
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE TABLE session_archive (LIKE django_session INCLUDING ALL);
INSERT INTO django_session SELECT i, repeat('x', 500), '2020-01-01' FROM generate_series(1, 100) AS i;
INSERT INTO session_archive SELECT i, repeat('x', 500), '2020-01-01' FROM generate_series(1, 50) AS i;
SET targets.command = 'ALTER TABLE targets.session_archive INHERIT targets.django_session';
CALL raw_clear_sessions_in_batches('django_session', filter => 'targets.once(length(session_key))');
SELECT count(*) FROM session_archive;
ALTER TABLE session_archive NO INHERIT django_session;
SET targets.command = 'ALTER TABLE targets.session_archive INHERIT targets.django_session';
SELECT raw_clear_sessions('django_session', filter => 'targets.once(length(session_key))');
SELECT count(*) FROM session_archive;
SELECT dblink_disconnect('other');
DROP SCHEMA targets_archive, targets_older CASCADE;

DROP SCHEMA targets CASCADE;
