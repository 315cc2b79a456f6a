-- Tables that go along with the one that is named: what its framework says nothing of is a question.
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA children;
SET search_path = children, public;
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE TABLE of_tenant (tenant integer) INHERITS (django_session);
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
    DELETE FROM django_session;
    INSERT INTO django_session VALUES ('a', '', '2020-01-01'), ('b', '', '2199-01-01');
    INSERT INTO of_tenant VALUES ('c', '', '2020-01-01', 1), ('d', '', '2199-01-01', 1);
$$;
SELECT fill();
SELECT raw_clear_sessions('django_session');

-- A column that may keep a row
CREATE TABLE held (legal_hold boolean) INHERITS (django_session);
CREATE FUNCTION refill() RETURNS void LANGUAGE sql AS $$
    SELECT fill();
    INSERT INTO held VALUES ('e', '', '2020-01-01', true), ('f', '', '2020-01-01', false), ('g', '', '2199-01-01', false);
$$;
SELECT refill();
SELECT raw_clear_sessions('django_session');
CALL raw_clear_sessions_in_batches('django_session');
SELECT raw_clear_sessions_preview('django_session');
SELECT raw_clear_sessions_schedule('django_session');
SELECT count(*) FROM django_session;

-- The call that the HINT shows leaves it alone.
SELECT raw_clear_sessions('django_session', filter => 'tableoid NOT IN (''children.held''::regclass)');
SELECT tableoid::regclass, session_key FROM django_session ORDER BY 2;
SELECT refill();
CALL raw_clear_sessions_in_batches('django_session', filter => 'tableoid NOT IN (''children.held''::regclass)');
SELECT tableoid::regclass, session_key FROM django_session ORDER BY 2;
SELECT refill();
-- What is said of one says nothing of others, which may come later; that none but some are meant does.
CREATE TABLE later_archive () INHERITS (django_session);
SELECT raw_clear_sessions('django_session', filter => 'tableoid NOT IN (''children.held''::regclass)');
SELECT raw_clear_sessions('django_session', filter => 'tableoid::regclass::text <> ''held''');
SELECT raw_clear_sessions('django_session', filter => 'tableoid = ''children.of_tenant''::regclass AND session_key <> ''''');
SELECT raw_clear_sessions('django_session', filter => 'tableoid = ANY (ARRAY[''of_tenant'', ''held'', ''later_archive'']::regclass[]) AND tableoid <> ALL (ARRAY[''held'']::regclass[])');
DROP TABLE later_archive;
SELECT refill();
-- By itself it is asked for as any table is; with the column named, all go.
SELECT raw_clear_sessions('held', filter => 'NOT legal_hold');
SELECT raw_clear_sessions('django_session', filter => 'length(session_key) = 1');
SELECT raw_clear_sessions_preview('django_session', expires => 'expire_date') -> 'warnings' ->> 0;
SELECT raw_clear_sessions('django_session', expires => 'expire_date');
SELECT tableoid::regclass, session_key FROM django_session ORDER BY 2;
DROP TABLE held;

-- A later end, and a name that says that rows are kept
CREATE TABLE longer (extended_until timestamptz) INHERITS (django_session);
SELECT raw_clear_sessions('django_session');
DROP TABLE longer;
CREATE TABLE sessions_archive () INHERITS (of_tenant);
SELECT raw_clear_sessions('django_session');
ALTER TABLE sessions_archive RENAME TO of_another_tenant;
SELECT raw_clear_sessions('django_session');
CREATE SCHEMA backup;
ALTER TABLE of_another_tenant SET SCHEMA backup;
SELECT raw_clear_sessions('django_session');
DROP SCHEMA backup CASCADE;
DROP TABLE django_session CASCADE;

-- Partitions
CREATE TABLE django_session (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL) PARTITION BY RANGE (expire_date);
CREATE TABLE django_session_2020 PARTITION OF django_session FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE django_session_p2199_01 PARTITION OF django_session FOR VALUES FROM ('2199-01-01') TO ('2199-02-01');
CREATE TABLE django_session_archive PARTITION OF django_session FOR VALUES FROM (MINVALUE) TO ('2020-01-01') PARTITION BY RANGE (expire_date);
CREATE TABLE django_session_2019 PARTITION OF django_session_archive DEFAULT;
INSERT INTO django_session VALUES ('a', '', '2019-02-01'), ('b', '', '2020-02-01'), ('c', '', '2199-01-01');
SELECT raw_clear_sessions('django_session');
SELECT raw_clear_sessions('django_session', filter => 'tableoid NOT IN (''children.django_session_2019''::regclass)');
ALTER TABLE django_session_archive RENAME TO django_session_early;
SELECT raw_clear_sessions('django_session');
DROP TABLE django_session;
DROP FUNCTION fill, refill;
