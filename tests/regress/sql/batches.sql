--
-- The procedure: the same rule and the same engines as the function, in batches that commit
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA batches;
SET search_path = batches, public;
SET client_min_messages = warning;

CREATE TABLE session (id integer, expires timestamptz);
CREATE PROCEDURE fill("table" regclass, expired integer) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s SELECT i, now() - interval ''2 days'' FROM generate_series(1, %s) AS i', "table", expired);
    EXECUTE format('INSERT INTO %s SELECT 0, now() + interval ''2 days''', "table");
END
$$;
CALL fill('session', 1000);
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 100);
SELECT count(*) FROM session;

-- Nothing to do is nothing done.
CALL raw_clear_sessions_in_batches('session', expires => 'expires');

-- A recognized table needs no rule.
CREATE TABLE django_session (
    session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session SELECT i, '', now() - interval '2 days' FROM generate_series(1, 10) AS i;
CALL raw_clear_sessions_in_batches('django_session');

--
-- Batches commit: what a trigger writes has another transaction for each batch, and an ERROR undoes only the batch in
-- which it is raised.
--
CREATE TABLE seen (id integer, batch xid8 DEFAULT pg_current_xact_id());
CREATE TABLE watched (id integer, expires timestamptz);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batches.seen (id) VALUES (OLD.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER see AFTER DELETE ON watched FOR EACH ROW EXECUTE FUNCTION see();
CALL fill('watched', 2000);
CALL raw_clear_sessions_in_batches('watched', expires => 'expires', batch_size => 200);
SELECT count(*), count(DISTINCT batch) > 4 AS batches FROM seen;

CREATE TABLE parts (id integer, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0, 1, 2, 3);
CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'not this one';
END
$$;
CREATE TRIGGER fail BEFORE DELETE ON parts_1 FOR EACH ROW EXECUTE FUNCTION fail();
CALL fill('parts', 5);
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
-- Deferred constraints are checked with each batch, as its commit would do, so that a row which they refuse is left out. What
-- a trigger has put right by then is no reason: the key's own trigger comes before it.
CREATE TABLE deferred (id integer PRIMARY KEY, expires timestamptz);
CREATE TABLE referring (id integer CONSTRAINT refers REFERENCES deferred DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION put_right() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM batches.referring WHERE id = OLD.id AND id < 1000;
    RETURN NULL;
END
$$;
CREATE TRIGGER put_right AFTER DELETE ON deferred FOR EACH ROW EXECUTE FUNCTION put_right();
INSERT INTO deferred SELECT n, '2001-01-01' FROM generate_series(1, 2000) AS n;
INSERT INTO referring VALUES (700), (1500), (1501);
CALL raw_clear_sessions_in_batches('deferred', expires => 'expires', batch_size => 100);
SELECT id FROM deferred ORDER BY id;

-- The guard of the table is gone with the ERROR.
SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass AND objsubid <> 0;
-- A trigger may raise what a cancel or a lock timeout is: nobody has asked for it, and so it is a row's error like any other. One
-- that is no row's is the partition's, and ends the call of a table at once.
CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'not now' USING ERRCODE = TG_ARGV[0];
END
$$;
CREATE TRIGGER a_fail BEFORE DELETE ON parts_0 FOR EACH ROW EXECUTE FUNCTION give_up('query_canceled');
CALL fill('parts', 5);
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
CREATE OR REPLACE TRIGGER a_fail BEFORE DELETE ON parts_0 FOR EACH ROW EXECUTE FUNCTION give_up('lock_not_available');
ALTER TABLE parts_1 DISABLE TRIGGER fail;
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
CREATE OR REPLACE TRIGGER a_fail BEFORE DELETE ON parts_0 FOR EACH ROW EXECUTE FUNCTION give_up('out_of_memory');
CALL fill('parts', 5);
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
CALL raw_clear_sessions_in_batches('parts_0', expires => 'expires');
DROP TRIGGER a_fail ON parts_0;
ALTER TABLE parts_1 ENABLE TRIGGER fail;
SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass AND objsubid <> 0;
-- A row that cannot be deleted keeps none beside it.
CREATE TABLE halved (id integer, expires timestamptz);
CALL fill('halved', 40);
CREATE TRIGGER fail BEFORE DELETE ON halved FOR EACH ROW WHEN (OLD.id % 4 = 1) EXECUTE FUNCTION fail();
CALL raw_clear_sessions_in_batches('halved', expires => 'expires');
SELECT string_agg(id::text, ' ') FROM halved;
-- Nor where hardly any row can be deleted.
CREATE TABLE hopeless (id integer, expires timestamptz);
CALL fill('hopeless', 150);
CREATE TRIGGER fail BEFORE DELETE ON hopeless FOR EACH ROW EXECUTE FUNCTION fail();
CALL raw_clear_sessions_in_batches('hopeless', expires => 'expires');
DROP TRIGGER fail ON parts_1;
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass AND objsubid <> 0;

--
-- Every engine and pass, with batches smaller than a block and larger ones: only the live row remains.
--
CREATE PROCEDURE clear_all(batch_size integer, filter text, OUT deleted bigint, OUT remaining bigint)
LANGUAGE plpgsql AS $$
BEGIN
    CALL batches.fill('batches.session', 3000);
    COMMIT;
    CALL public.raw_clear_sessions_in_batches('batches.session', expires => 'expires', filter => filter,
        batch_size => batch_size, deleted => deleted);
    SELECT count(*) INTO remaining FROM batches.session;
    DELETE FROM batches.session;
END
$$;
DELETE FROM session;
CALL clear_all(7, NULL, NULL, NULL);
CALL clear_all(100000, NULL, NULL, NULL);
-- SQL, by ranges of blocks
CALL clear_all(7, 'id > 0', NULL, NULL);
CALL clear_all(100000, 'id > 0', NULL, NULL);
-- an index
CREATE INDEX ON session (expires);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CALL clear_all(7, NULL, NULL, NULL);
CALL clear_all(100000, NULL, NULL, NULL);
DROP INDEX session_expires_idx;
CREATE INDEX ON session (expires DESC);
CALL clear_all(7, NULL, NULL, NULL);
-- An index in which more entries than are collected at once have the same value: the rest is found in the heap.
CREATE TABLE holiday (id integer, expires date);
CREATE INDEX ON holiday (expires);
INSERT INTO holiday SELECT i, '2020-12-25' FROM generate_series(1, 20000) AS i;
INSERT INTO holiday VALUES (0, '2199-12-25');
CALL raw_clear_sessions_in_batches('holiday', expires => 'expires', time_zone => 'UTC');
SELECT * FROM holiday;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- partitions that only the parent's rights reach: the statement goes through the parent
CREATE ROLE batches_parent;
GRANT USAGE ON SCHEMA batches TO batches_parent;
GRANT SELECT, DELETE ON parts TO batches_parent;
CREATE TRIGGER see AFTER DELETE ON parts_1 FOR EACH ROW EXECUTE FUNCTION see();
GRANT INSERT ON seen TO batches_parent;
TRUNCATE parts;
CALL fill('parts', 5000);
SET ROLE batches_parent;
SELECT raw_clear_sessions_preview('parts', expires => 'expires') - ARRAY['cutoff', 'expired_below'] ->> 'engine' AS engine;
CALL raw_clear_sessions_in_batches('parts', expires => 'expires', batch_size => 50);
RESET ROLE;
SELECT * FROM ONLY parts_0 WHERE expires < now() UNION ALL SELECT * FROM ONLY parts_1;
-- SQL deletes no more at once than it is told, also behind a stretch without expired rows, and reads no more than that,
-- whatever the session has planned; nor does it need the right to lock rows. Without the right to read where a row is, it
-- deletes all at once.
TRUNCATE watched, seen;
INSERT INTO watched SELECT i, now() + interval '2 days' FROM generate_series(1, 5000) AS i;
INSERT INTO watched SELECT i, now() - interval '2 days' FROM generate_series(1, 2000) AS i;
GRANT SELECT, DELETE ON watched TO batches_parent;
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS whole_scans FROM pg_stat_user_tables WHERE relid = 'watched'::regclass \gset
SET ROLE batches_parent;
SET enable_tidscan = off;
CALL raw_clear_sessions_in_batches('watched', expires => 'expires', batch_size => 100);
RESET enable_tidscan;
RESET ROLE;
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :whole_scans AS whole_scans FROM pg_stat_user_tables WHERE relid = 'watched'::regclass;
SELECT max(count), sum(count) FROM (SELECT count(*) FROM seen GROUP BY batch) AS batch;
TRUNCATE seen;
INSERT INTO watched SELECT i, now() - interval '2 days' FROM generate_series(1, 2000) AS i;
REVOKE SELECT ON watched FROM batches_parent;
GRANT SELECT (expires) ON watched TO batches_parent;
SET ROLE batches_parent;
CALL raw_clear_sessions_in_batches('watched', expires => 'expires', batch_size => 100);
RESET ROLE;
SELECT max(count), sum(count) FROM (SELECT count(*) FROM seen GROUP BY batch) AS batch;

--
-- Row security: other people's rows stay.
--
CREATE TABLE guarded (id integer, expires timestamptz, owner text DEFAULT 'batches_tenant');
CALL fill('guarded', 50);
UPDATE guarded SET owner = 'another' WHERE id % 2 = 1;
CREATE ROLE batches_tenant;
GRANT USAGE ON SCHEMA batches TO batches_tenant;
GRANT SELECT, UPDATE, DELETE ON guarded TO batches_tenant;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (owner = current_user);
SET ROLE batches_tenant;
-- No limit has ended it, and no further call would come to the others.
SET client_min_messages = notice;
CALL raw_clear_sessions_in_batches('guarded', expires => 'expires', batch_size => 10);
SET client_min_messages = warning;
RESET ROLE;
SELECT owner, count(*) FROM guarded GROUP BY owner ORDER BY owner;

--
-- Limits
--
TRUNCATE session;
CALL fill('session', 1000);
SET client_min_messages = notice;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 10, max_rows => 100);
-- about: a block is finished
SELECT count(*) BETWEEN 600 AND 901 AS most_remain FROM session;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 1, max_duration => '1 us');
SET client_min_messages = warning;
SELECT count(*) > 1 AS some_remain FROM session;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 0);
CALL raw_clear_sessions_in_batches('session', expires => 'expires', max_rows => -1);
CALL raw_clear_sessions_in_batches('session', expires => 'expires', max_duration => '0');

--
-- A statement that fails without a row: those are counted that are there.
--
CREATE FUNCTION never() RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
CREATE TABLE ten AS SELECT * FROM session WITH NO DATA;
CALL fill('ten', 10);
CALL raw_clear_sessions_in_batches('ten', expires => 'expires', filter => 'batches.never()');
TRUNCATE ten;
CALL raw_clear_sessions_in_batches('ten', expires => 'expires', filter => 'batches.never()');

--
-- It has to be able to commit: not in a transaction block, a function, or a block with an EXCEPTION clause. In DO and in
-- procedures it is.
--
BEGIN;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
ROLLBACK;
CREATE FUNCTION in_function() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    CALL public.raw_clear_sessions_in_batches('batches.session', expires => 'expires', deleted => n);
    RETURN n;
END
$$;
SELECT in_function();
DO $$
DECLARE
    n bigint;
BEGIN
    CALL public.raw_clear_sessions_in_batches('batches.session', expires => 'expires', deleted => n);
EXCEPTION WHEN division_by_zero THEN
    NULL;
END
$$;
SELECT count(*) > 1 AS some_remain FROM session;
DO $$
DECLARE
    n bigint;
BEGIN
    CALL public.raw_clear_sessions_in_batches('batches.session', expires => 'expires', deleted => n);
    COMMIT;
    RAISE WARNING 'any deleted: %', n > 0;
END
$$;
SELECT count(*) FROM session;

--
-- What the function refuses, the procedure refuses.
--
CALL raw_clear_sessions_in_batches(NULL);
CALL raw_clear_sessions_in_batches('pg_class');
CALL raw_clear_sessions_in_batches('session');
CALL raw_clear_sessions_in_batches('session', expires => 'id');
CALL raw_clear_sessions_in_batches('session', expires => 'expires', keep => '-1 day');
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
SET ROLE batches_tenant;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
RESET ROLE;

-- What it sets for its transactions ends with them.
SHOW synchronous_commit;
SHOW lock_timeout;

DROP SCHEMA batches CASCADE;
DROP ROLE batches_parent, batches_tenant;
