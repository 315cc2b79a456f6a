--
-- raw_clear_sessions: the first minute, and how it behaves as a function among others.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA basics;
SET search_path = basics, public;
SET client_min_messages = warning;

-- The table of Django's sessions, with three that have expired and two that have not
CREATE TABLE django_session (
    session_key varchar(40) NOT NULL PRIMARY KEY,
    session_data text NOT NULL,
    expire_date timestamptz NOT NULL
);
CREATE INDEX django_session_expire_date ON django_session (expire_date);
CREATE PROCEDURE log_in() LANGUAGE sql AS $$
    TRUNCATE basics.django_session;
    INSERT INTO basics.django_session SELECT 'day ' || day, '', now() + day * interval '1 day'
    FROM unnest(ARRAY[-30, -14, -1, 1, 14]) AS day;
$$;
CALL log_in();

-- What would happen
SELECT preview ->> 'framework' AS framework, preview ->> 'expires' AS expires, preview ->> 'engine' AS engine,
    preview ->> 'expired_rows' AS expired_rows, preview ->> 'total_rows' AS total_rows
FROM raw_clear_sessions_preview('django_session', exact => true) AS preview;
-- Clear it
SELECT raw_clear_sessions('django_session');
SELECT session_key FROM django_session ORDER BY expire_date;
-- A second time there is nothing to do.
SELECT raw_clear_sessions('django_session');

-- It returns a bigint, takes its parameters by name or in order, and runs with the caller's rights.
SELECT pg_typeof(raw_clear_sessions('django_session'));
SELECT proname, provolatile, proparallel, prosecdef, proacl IS NULL AS for_everybody
FROM pg_proc WHERE proname IN ('raw_clear_sessions', 'raw_clear_sessions_preview') ORDER BY proname;
CALL log_in();
SELECT raw_clear_sessions('django_session', 'expire_date', '7 days', NULL, NULL, 'session_key <> ''day -30''');

-- keep: a time that an expired row is kept
CALL log_in();
SELECT raw_clear_sessions('django_session', keep => '20 days');
SELECT raw_clear_sessions('django_session', keep => '2 days');
SELECT raw_clear_sessions('django_session', keep => '0');
SELECT raw_clear_sessions('django_session', keep => '25 hours -1 day');
SELECT session_key FROM django_session ORDER BY expire_date;

-- Rows without an end never expire, and neither do those that have ended before all time, or before the first session.
CREATE TABLE tokens (note text, expires timestamptz);
INSERT INTO tokens VALUES ('NULL', NULL), ('infinity', 'infinity'), ('-infinity', '-infinity'),
    ('in 4714 BC', '4714-11-24 00:00+00 BC'), ('yesterday', now() - interval '1 day'), ('in 294276', '294276-12-31 23:59:59+00');
SELECT raw_clear_sessions('tokens', expires => 'expires');
SELECT note FROM tokens ORDER BY note;

-- A row expires when the clock has passed its instant. The clock goes on within a transaction, where now() does not.
BEGIN;
INSERT INTO tokens VALUES ('now', now()), ('in an hour', now() + interval '1 hour');
SELECT raw_clear_sessions('tokens', expires => 'expires', keep => '1 minute');
SELECT raw_clear_sessions('tokens', expires => 'expires');
ROLLBACK;

-- It is part of the transaction: it sees what that has done, and is undone with it.
BEGIN;
CALL log_in();
INSERT INTO django_session VALUES ('late', '', now() - interval '1 day');
UPDATE django_session SET expire_date = now() + interval '1 day' WHERE session_key = 'day -1';
DELETE FROM django_session WHERE session_key = 'day -14';
SELECT raw_clear_sessions('django_session');
SELECT session_key FROM django_session ORDER BY 1;
ROLLBACK;
CALL log_in();
BEGIN;
SAVEPOINT s;
SELECT raw_clear_sessions('django_session');
ROLLBACK TO s;
SELECT count(*) FROM django_session;
SELECT raw_clear_sessions('django_session');
SAVEPOINT s;
SELECT raw_clear_sessions('django_session');
RELEASE s;
INSERT INTO django_session VALUES ('day -30', '', now() + interval '30 days');
COMMIT;
SELECT session_key FROM django_session ORDER BY expire_date;

-- At every isolation level, with a transaction prepared, and from a cursor that was opened before
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL log_in();
SELECT raw_clear_sessions('django_session');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO django_session VALUES ('old', '', now() - interval '1 day');
SELECT raw_clear_sessions('django_session');
PREPARE TRANSACTION 'regress_basics';
COMMIT PREPARED 'regress_basics';
CALL log_in();
BEGIN;
DECLARE c CURSOR FOR SELECT session_key FROM django_session ORDER BY expire_date;
FETCH 1 FROM c;
SELECT raw_clear_sessions('django_session');
FETCH ALL FROM c;
COMMIT;

-- In a function, a DO block with an exception handler, a trigger, a prepared statement
CREATE FUNCTION nightly() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN raw_clear_sessions('basics.django_session') || ' sessions cleared';
END
$$;
CALL log_in();
SELECT nightly();
CALL log_in();
DO $$
BEGIN
    PERFORM raw_clear_sessions('basics.django_session');
    RAISE 'undone';
EXCEPTION WHEN raise_exception THEN
    RAISE WARNING '% sessions are there', (SELECT count(*) FROM basics.django_session);
END
$$;
CREATE FUNCTION clear_at_login() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM raw_clear_sessions('basics.django_session');
    RETURN NULL;
END
$$;
CREATE TRIGGER clear_at_login AFTER INSERT ON django_session EXECUTE FUNCTION clear_at_login();
INSERT INTO django_session VALUES ('new', '', now() + interval '30 days'), ('born old', '', now() - interval '1 day');
SELECT session_key FROM django_session ORDER BY 1;
DROP TRIGGER clear_at_login ON django_session;
PREPARE clear(regclass, interval) AS SELECT raw_clear_sessions($1, keep => $2);
CALL log_in();
EXECUTE clear('django_session', '20 days');
EXECUTE clear('django_session', '1 hour');

-- On several tables in one query, also the same one twice
CREATE TABLE other_site (LIKE django_session INCLUDING ALL);
CREATE TABLE no_sessions (id integer);
CALL log_in();
INSERT INTO other_site SELECT * FROM django_session;
SELECT relname, raw_clear_sessions(oid) AS cleared
FROM pg_class WHERE relnamespace = 'basics'::regnamespace AND relname IN ('django_session', 'other_site') ORDER BY relname;
CALL log_in();
SELECT raw_clear_sessions('django_session') AS first, raw_clear_sessions('django_session') AS second;
-- A query that reads the table meanwhile goes on with what it saw at its start.
CALL log_in();
SELECT session_key, CASE WHEN session_key = 'day -30' THEN raw_clear_sessions('django_session') END AS cleared
FROM (SELECT * FROM django_session ORDER BY expire_date OFFSET 0) AS t;

-- Under whatever name: mixed case, quotes, spaces, keywords, not in the search path
CREATE SCHEMA "basics ""2""";
CREATE TABLE "basics ""2"""."Select ""from""" (id integer, "the ""End""" timestamptz);
INSERT INTO "basics ""2"""."Select ""from""" VALUES (1, now() - interval '1 day'), (2, now() + interval '1 day');
SELECT raw_clear_sessions('"basics ""2"""."Select ""from"""', expires => 'the "End"');
SELECT preview ->> 'table' AS "table", preview ->> 'expires' AS expires, preview ->> 'total_rows' AS total_rows
FROM raw_clear_sessions_preview('"basics ""2"""."Select ""from"""', expires => '"the ""End"""', exact => true) AS preview;

\set VERBOSITY terse
DROP SCHEMA "basics ""2""" CASCADE;
DROP SCHEMA basics CASCADE;
