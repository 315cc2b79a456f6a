--
-- Rows that stay though nothing fails: a trigger that fires before the deletion may return NULL, a rule may do something
-- else. What a call says of them is true.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA kept;
SET search_path = kept, public;
SET client_min_messages = warning;
CREATE TABLE session (id integer, expires timestamptz, gone boolean NOT NULL DEFAULT false);
CREATE PROCEDURE fill("table" regclass, expired integer) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s SELECT i, now() - interval ''2 days'' FROM generate_series(1, %s) AS i', "table", expired);
    EXECUTE format('INSERT INTO %s SELECT 0, now() + interval ''2 days''', "table");
END
$$;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END
$$;

-- Each third row is kept, in several batches; each of the others goes.
CALL fill('session', 1000);
CREATE TRIGGER hold BEFORE DELETE ON session FOR EACH ROW WHEN (OLD.id % 3 = 2) EXECUTE FUNCTION keep();
SELECT jsonb_path_query(raw_clear_sessions_preview('session', expires => 'expires'), '$.warnings[*] ? (@ like_regex "keep it|keep rows")') AS warning;
BEGIN;
SELECT raw_clear_sessions('session', expires => 'expires');
ROLLBACK;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 100);
SELECT count(*), count(*) FILTER (WHERE id % 3 = 2) AS held FROM session;
-- The next call meets them again, and says the same.
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 100);
-- Left out by a filter, they are nobody's concern.
CALL raw_clear_sessions_in_batches('session', expires => 'expires', filter => 'id % 3 <> 2');
DROP TRIGGER hold ON session;
-- A trigger that lets the rows go is none that keeps them.
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE TRIGGER pass BEFORE DELETE ON session FOR EACH ROW EXECUTE FUNCTION pass();
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
DROP TRIGGER pass ON session;
SELECT count(*) FROM session;

-- Policies that show a role more rows than they let it delete: it is told of those that stay.
TRUNCATE session;
CALL fill('session', 300);
CREATE ROLE regress_kept;
GRANT USAGE ON SCHEMA kept TO regress_kept;
GRANT SELECT, DELETE ON session TO regress_kept;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON session FOR SELECT USING (true);
CREATE POLICY gone ON session FOR DELETE USING (id % 3 <> 2);
SET ROLE regress_kept;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 100);
SELECT count(*), count(*) FILTER (WHERE id % 3 = 2) AS held FROM session;
-- What it does not see is no matter of its.
RESET ROLE;
ALTER POLICY seen ON session USING (id % 3 <> 2);
SET ROLE regress_kept;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
RESET ROLE;
DROP POLICY seen ON session;
DROP POLICY gone ON session;
ALTER TABLE session DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON session FROM regress_kept;
REVOKE ALL ON SCHEMA kept FROM regress_kept;
DROP ROLE regress_kept;

-- Rules that do something else, for all rows or for some
TRUNCATE session;
CALL fill('session', 200);
CREATE RULE nothing AS ON DELETE TO session DO INSTEAD NOTHING;
SELECT jsonb_path_query(raw_clear_sessions_preview('session', expires => 'expires'), '$.warnings[*] ? (@ like_regex "keep it|keep rows")') AS warning;
SELECT raw_clear_sessions('session', expires => 'expires');
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
CREATE OR REPLACE RULE nothing AS ON DELETE TO session WHERE OLD.id = 7 DO INSTEAD NOTHING;
SELECT raw_clear_sessions('session', expires => 'expires');
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
DROP RULE nothing ON session;
-- What a rule deletes elsewhere is not counted as this table's.
CREATE TABLE other (id integer);
INSERT INTO other SELECT generate_series(1, 7);
CREATE RULE elsewhere AS ON DELETE TO session DO INSTEAD DELETE FROM other WHERE id <= OLD.id;
SELECT raw_clear_sessions('session', expires => 'expires');
SELECT count(*) FROM other;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
DROP RULE elsewhere ON session;
-- One that does something besides keeps nothing.
CREATE RULE besides AS ON DELETE TO session DO ALSO INSERT INTO other VALUES (OLD.id);
SELECT jsonb_path_query_array(raw_clear_sessions_preview('session', expires => 'expires'), '$.warnings[*] ? (@ like_regex "keep it|keep rows")') AS warnings;
CALL raw_clear_sessions_in_batches('session', expires => 'expires');
DROP RULE besides ON session;
SELECT count(*) FROM session;

-- A row that is marked as deleted instead: where it is not expired any more by that, all is well. Where it still is, each
-- call would mark it again, and so its change is taken back, and it is named.
TRUNCATE session;
CALL fill('session', 100);
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept.session SET gone = true WHERE ctid = OLD.ctid;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark BEFORE DELETE ON session FOR EACH ROW WHEN (OLD.id % 4 = 1) EXECUTE FUNCTION mark();
UPDATE session SET gone = true WHERE id % 4 = 1 AND id > 9;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', filter => 'NOT gone OR id % 4 <> 1', batch_size => 10);
SELECT count(*) FILTER (WHERE gone) AS gone, count(*) FILTER (WHERE NOT gone) AS others FROM session;
TRUNCATE session;
CALL fill('session', 100);
CREATE OR REPLACE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept.session SET gone = true WHERE id = OLD.id;
    RETURN NULL;
END
$$;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 10);
SELECT count(*) FILTER (WHERE gone) AS gone, count(*) FILTER (WHERE NOT gone) AS others FROM session;
DROP TRIGGER mark ON session;
TRUNCATE session;
CALL fill('session', 100);
CREATE RULE mark AS ON DELETE TO session DO INSTEAD UPDATE session SET gone = true WHERE id = OLD.id;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', filter => 'NOT gone', batch_size => 10);
SELECT count(*) FILTER (WHERE gone) AS gone, count(*) FILTER (WHERE NOT gone) AS others FROM session;
DROP RULE mark ON session;

-- One partition only; and through the parent, where several heaps are cleared at the same time
CREATE TABLE parts (id integer, expires timestamptz, gone boolean) PARTITION BY LIST (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0, 1, 2, 3);
CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
CREATE TRIGGER hold BEFORE DELETE ON parts_1 FOR EACH ROW WHEN (OLD.id < 10) EXECUTE FUNCTION keep();
CALL fill('parts', 500);
SELECT jsonb_path_query(raw_clear_sessions_preview('parts', expires => 'expires'), '$.warnings[*] ? (@ like_regex "keep it|keep rows")') AS warning;
CALL raw_clear_sessions_in_batches('parts', expires => 'expires', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
CALL fill('parts', 500);
CALL raw_clear_sessions_in_batches('parts', expires => 'expires', filter => 'id >= 0', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
-- A rule of a partition is its own: whoever deletes through the parent does not meet it.
DROP TRIGGER hold ON parts_1;
CREATE RULE nothing AS ON DELETE TO parts_1 DO INSTEAD NOTHING;
CALL raw_clear_sessions_in_batches('parts', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;

-- Rows that a trigger puts into another partition stay there, as after a DELETE; where they still are expired, each batch takes that back.
CREATE TABLE moved (id integer, expires timestamptz, archived boolean NOT NULL DEFAULT false) PARTITION BY LIST (archived);
CREATE TABLE moved_live PARTITION OF moved FOR VALUES IN (false);
CREATE TABLE moved_away PARTITION OF moved FOR VALUES IN (true);
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept.moved SET archived = true WHERE id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER move BEFORE DELETE ON moved_live FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.id % 2 = 0) EXECUTE FUNCTION move();
INSERT INTO moved SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
BEGIN;
SELECT raw_clear_sessions('moved', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
ROLLBACK;
CALL raw_clear_sessions_in_batches('moved', expires => 'expires', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
-- So do those that it puts there when they have gone, in whatever part of the transaction: for each of them its DELETE is taken back.
DROP TRIGGER move ON moved_live;
TRUNCATE moved;
CREATE OR REPLACE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.moved VALUES (OLD.id, OLD.expires, true);
    RETURN NULL;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;
END
$$;
CREATE TRIGGER move AFTER DELETE ON moved_live FOR EACH ROW WHEN (OLD.id % 2 = 0) EXECUTE FUNCTION move();
INSERT INTO moved SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
BEGIN;
INSERT INTO moved VALUES (0, '2199-01-01');
SELECT raw_clear_sessions('moved', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1 ORDER BY 1;
ROLLBACK;
CALL raw_clear_sessions_in_batches('moved', expires => 'expires', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
-- And through the parent, in one statement a batch
CALL raw_clear_sessions_in_batches('moved', expires => 'expires', filter => 'id >= 0', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
-- Into the table itself
CREATE TABLE back (id integer, expires timestamptz);
CREATE FUNCTION put_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.back VALUES (OLD.id, OLD.expires);
    RETURN NULL;
END
$$;
CREATE TRIGGER put_back AFTER DELETE ON back FOR EACH ROW WHEN (OLD.id % 40 = 0) EXECUTE FUNCTION put_back();
INSERT INTO back SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
CALL raw_clear_sessions_in_batches('back', expires => 'expires', batch_size => 50);
SELECT count(*) FROM back;
-- By a trigger of statements
CREATE TABLE back_at_once (id integer, expires timestamptz);
CREATE FUNCTION put_all_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.back_at_once SELECT id, expires FROM gone WHERE id % 40 = 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER put_all_back AFTER DELETE ON back_at_once REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION put_all_back();
INSERT INTO back_at_once SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
CALL raw_clear_sessions_in_batches('back_at_once', expires => 'expires', batch_size => 50);
SELECT count(*) FROM back_at_once;
-- By a trigger that is deferred, and by one of a table whose rows go along
DROP TRIGGER move ON moved_live;
TRUNCATE moved;
CREATE CONSTRAINT TRIGGER move AFTER DELETE ON moved_live DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.id % 40 = 0) EXECUTE FUNCTION move();
INSERT INTO moved SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
CALL raw_clear_sessions_in_batches('moved', expires => 'expires', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
DROP TRIGGER move ON moved_live;
TRUNCATE moved;
ALTER TABLE moved ADD PRIMARY KEY (id, archived);
CREATE TABLE referrer (id integer, archived boolean DEFAULT false, FOREIGN KEY (id, archived) REFERENCES moved ON DELETE CASCADE);
CREATE FUNCTION put_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.moved VALUES (OLD.id, '2020-01-01', true);
    RETURN NULL;
END
$$;
CREATE TRIGGER put_away AFTER DELETE ON referrer FOR EACH ROW WHEN (NOT OLD.archived) EXECUTE FUNCTION put_away();
INSERT INTO moved SELECT id, '2020-01-01' FROM generate_series(1, 150) AS id;
INSERT INTO referrer SELECT id FROM generate_series(1, 3) AS id;
BEGIN;
SELECT raw_clear_sessions('moved', expires => 'expires');
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
ROLLBACK;
CALL raw_clear_sessions_in_batches('moved', expires => 'expires', batch_size => 50);
SELECT tableoid::regclass, count(*) FROM moved GROUP BY 1;
-- One that puts live rows behind all others, far from where it was, and among them an expired one
CREATE TABLE behind (id integer PRIMARY KEY, expires timestamptz) WITH (fillfactor = 10);
CREATE FUNCTION put_behind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.behind VALUES (OLD.id + 10000, CASE WHEN OLD.id % 100 = 0 THEN '2020-01-01' ELSE '2199-01-01' END::timestamptz);
    RETURN NULL;
END
$$;
CREATE TRIGGER put_behind AFTER DELETE ON behind FOR EACH ROW EXECUTE FUNCTION put_behind();
INSERT INTO behind SELECT id, CASE WHEN id BETWEEN 50 AND 250 THEN '2020-01-01' ELSE '2199-01-01' END::timestamptz FROM generate_series(1, 1000) AS id;
CALL raw_clear_sessions_in_batches('behind', expires => 'expires', batch_size => 20);
SELECT count(*), string_agg(id::text, ' ') FILTER (WHERE expires < now()) AS expired FROM behind;
-- Rows that are changed because another one goes, and whose turn comes, go as they do with a DELETE.
CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree ON DELETE SET NULL, expires timestamptz);
INSERT INTO tree SELECT id, nullif(greatest(id - 50, 0), 0), '2020-01-01' FROM generate_series(1, 1000) AS id;
CALL raw_clear_sessions_in_batches('tree', expires => 'expires', batch_size => 100);
SELECT count(*) FROM tree;
-- A row that is put back is found also where others were inserted last, far from it.
CREATE TABLE far (id integer, expires timestamptz, pad text);
ALTER TABLE far ALTER pad SET STORAGE PLAIN;
INSERT INTO far SELECT id, CASE WHEN id = 200 THEN '2020-01-01' ELSE '2199-01-01' END::timestamptz, repeat('x', 1900) FROM generate_series(1, 400) AS id;
DELETE FROM far WHERE ctid BETWEEN '(2,1)' AND '(2,9)' OR ctid = '(90,1)';
VACUUM far;
CREATE FUNCTION put_far() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kept.far VALUES (OLD.id, OLD.expires, repeat('y', 1000));
    INSERT INTO kept.far VALUES (0, '2199-01-01', repeat('z', 7500));
    RETURN NULL;
END
$$;
CREATE TRIGGER put_far AFTER DELETE ON far FOR EACH ROW EXECUTE FUNCTION put_far();
CALL raw_clear_sessions_in_batches('far', expires => 'expires');
SELECT count(*), count(*) FILTER (WHERE expires < now()) AS expired FROM far;
-- Where nothing is counted, all is looked at.
SET track_counts = off;
INSERT INTO back SELECT id, '2020-01-01' FROM generate_series(1, 10) AS id;
CALL raw_clear_sessions_in_batches('back', expires => 'expires', batch_size => 50);
RESET track_counts;
SELECT count(*) FROM back;
-- Many that are marked, and still expired, are found at once, and those behind them go.
CREATE TABLE marked (id integer, expires timestamptz, gone boolean NOT NULL DEFAULT false);
CREATE FUNCTION mark_many() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept.marked SET gone = true WHERE id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark BEFORE DELETE ON marked FOR EACH ROW WHEN (NOT OLD.gone AND OLD.id <= 150) EXECUTE FUNCTION mark_many();
INSERT INTO marked SELECT id, '2020-01-01' FROM generate_series(1, 2000) AS id;
CALL raw_clear_sessions_in_batches('marked', expires => 'expires', batch_size => 100);
SELECT count(*), pg_relation_size('marked') / 8192 < 100 AS small FROM marked;
-- In two heaps the same places
CREATE TABLE twice (id integer, expires timestamptz, part integer, gone boolean NOT NULL DEFAULT false) PARTITION BY LIST (part);
CREATE TABLE twice_1 PARTITION OF twice FOR VALUES IN (1);
CREATE TABLE twice_2 PARTITION OF twice FOR VALUES IN (2);
CREATE FUNCTION mark_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kept.twice SET gone = true WHERE id = OLD.id AND part = OLD.part;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark BEFORE DELETE ON twice FOR EACH ROW WHEN (NOT OLD.gone AND OLD.id % 10 = 0) EXECUTE FUNCTION mark_twice();
INSERT INTO twice SELECT id, '2020-01-01', part FROM generate_series(1, 50) AS id, generate_series(1, 2) AS part;
CALL raw_clear_sessions_in_batches('twice', expires => 'expires', filter => 'id > 0', batch_size => 20);
SELECT count(*) FROM twice;

-- Without the right to lock rows, and without the right to read where they are
TRUNCATE session;
CALL fill('session', 300);
CREATE TRIGGER hold BEFORE DELETE ON session FOR EACH ROW WHEN (OLD.id % 100 = 2) EXECUTE FUNCTION keep();
CREATE ROLE regress_kept;
GRANT USAGE ON SCHEMA kept TO regress_kept;
GRANT SELECT, DELETE ON session TO regress_kept;
SET ROLE regress_kept;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 50);
RESET ROLE;
REVOKE SELECT ON session FROM regress_kept;
GRANT SELECT (expires) ON session TO regress_kept;
SET ROLE regress_kept;
CALL raw_clear_sessions_in_batches('session', expires => 'expires', batch_size => 50);
RESET ROLE;

DROP SCHEMA kept CASCADE;
DROP ROLE regress_kept;
