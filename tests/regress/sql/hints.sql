--
-- The call that a HINT shows is one that works: each of these is refused, and the call from its HINT is then made.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA hints;
CREATE SCHEMA "It's ""another""";
SET search_path = hints, public;
SET client_min_messages = warning;

CREATE TABLE subscription (id integer, user_id integer, created date, "Paid until" timestamptz);
INSERT INTO subscription VALUES (1, 1, '2001-01-01', '2001-01-01');
CREATE TABLE visits (id integer, last_seen timestamp);
INSERT INTO visits VALUES (1, '2001-01-01');
CREATE TABLE counters (id integer, valid_to bigint);
INSERT INTO counters VALUES (1, 1000000000);
CREATE TABLE rails (session_id text, data text, created_at timestamp, updated_at timestamp);
INSERT INTO rails VALUES ('old', '', '2001-01-01', '2001-01-01');
CREATE TABLE express (sid varchar, sess json, expire timestamp(6));
INSERT INTO express VALUES ('old', '{}', '2001-01-01');
CREATE TABLE millis (id integer, "expiresAt" bigint);
INSERT INTO millis VALUES (1, 1000000000000);
CREATE TABLE lifetimes (sess_id text, sess_data bytea, sess_lifetime integer, sess_time integer);
INSERT INTO lifetimes VALUES ('of Symfony 4.3', '', 1440, 1000000000);
CREATE TABLE "It's ""another"""."C:\sessions" (id integer, "don't ""expire""" date);
INSERT INTO "It's ""another"""."C:\sessions" VALUES (1, '2001-01-01');
CREATE TEMPORARY TABLE temporary (id integer, expires timestamptz);
INSERT INTO temporary VALUES (1, '2001-01-01');

CREATE FUNCTION follow_hint(call text, OUT hinted text, OUT deleted text) LANGUAGE plpgsql AS $$
DECLARE
    refused text := (SELECT string_agg(line, E'\n') FROM test.refusal(call) AS line);
BEGIN
    hinted := substring(refused FROM 'SELECT (raw_clear_sessions\(.*\));');
    IF hinted IS NULL THEN
        deleted := refused;
        RETURN;
    END IF;
    EXECUTE 'SELECT ' || hinted INTO deleted;
    RAISE SQLSTATE 'ZZ000'; -- to be undone
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        NULL;
    WHEN OTHERS THEN
        deleted := sqlerrm;
END
$$;
\pset tuples_only
\pset format unaligned
\pset fieldsep '\n    '
\pset recordsep '\n\n'
SELECT call, hinted, deleted FROM unnest(ARRAY[
    $$raw_clear_sessions('subscription')$$,
    $$raw_clear_sessions('subscription', expires => 'expires')$$,
    $$raw_clear_sessions('subscription', expires => 'created')$$,
    $$raw_clear_sessions('visits')$$,
    $$raw_clear_sessions('visits', expires => 'last_seen')$$,
    $$raw_clear_sessions('counters')$$,
    $$raw_clear_sessions('counters', expires => 'valid_to')$$,
    $$raw_clear_sessions('rails')$$,
    $$raw_clear_sessions('express')$$,
    $$raw_clear_sessions('millis', expires => 'expiresAt', unit => 'seconds')$$,
    $$raw_clear_sessions('millis', expires => '"expiresAt" + 0', unit => 'microseconds')$$,
    $$raw_clear_sessions('"It''s ""another"""."C:\sessions"')$$,
    $$raw_clear_sessions('temporary')$$
]) WITH ORDINALITY AS calls(call, n), follow_hint(call) ORDER BY n;

-- What was said to keep rows is in the call that is shown too: following it must not delete more than was asked for.
\pset fieldsep ': '
\pset recordsep '\n'
SELECT call, CASE WHEN hinted ~ said THEN 'still there' ELSE 'LOST' END FROM (VALUES
    (1, $$raw_clear_sessions('counters', expires => 'valid_to', keep => '40 years')$$, 'keep => .*40 years'),
    (2, $$raw_clear_sessions('counters', keep => '40 years')$$, 'keep => .*40 years'),
    (3, $$raw_clear_sessions('visits', expires => 'last_seen', keep => '40 years')$$, 'keep => .*40 years'),
    (4, $$raw_clear_sessions('visits', expires => 'last_seen', filter => 'id = 2')$$, 'filter => .*id = 2'),
    (5, $$raw_clear_sessions('express', keep => '40 years')$$, 'keep => .*40 years'),
    (6, $$raw_clear_sessions('rails', filter => 'data IS NULL')$$, 'filter => .*data IS NULL'),
    (7, $$raw_clear_sessions('millis', expires => 'expiresAt', unit => 'seconds', keep => '1 day')$$, 'keep => .*1 day')
) AS calls(n, call, said), follow_hint(call) ORDER BY n;

\set VERBOSITY terse
DROP SCHEMA "It's ""another""" CASCADE;
DROP SCHEMA hints CASCADE;
