--
-- The policies of the worker: raw_clear_sessions_schedule() and raw_clear_sessions_unschedule()
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA policies;
SET search_path = policies, public;
\set SHOW_CONTEXT never
CREATE TABLE django_session (
    session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE TABLE token (id integer, expires bigint, kind text);
CREATE VIEW policy AS
SELECT "table", schedule, expires, keep, unit, time_zone, filter, batch_size, max_rows, max_duration
FROM raw_clear_sessions.policy ORDER BY "table"::text;

-- The library is not preloaded here: a policy is made all the same, with a word on what is missing.
SELECT raw_clear_sessions_schedule('django_session');
SET client_min_messages = warning;
SELECT * FROM policy \gx

-- A second call replaces all of it; each table has its own.
SELECT raw_clear_sessions_schedule('django_session', '*/5 * * * *', batch_size => 100, max_rows => 5000000000,
    max_duration => '1 h 30 min');
SELECT raw_clear_sessions_schedule('token', schedule => '90 s', expires => 'expires', keep => '1 mon 2 days', unit => 'milliseconds',
    filter => $$kind = 'it''s'$$);
SELECT * FROM policy \gx
SELECT raw_clear_sessions_schedule('django_session', '1 h', keep => '5 min');
SELECT "table", schedule, keep, batch_size, max_rows, max_duration FROM policy WHERE "table" = 'django_session'::regclass;

-- It is the transaction's.
BEGIN;
SELECT raw_clear_sessions_schedule('token', '2 h', expires => 'expires', unit => 'seconds');
SELECT raw_clear_sessions_unschedule('django_session');
SELECT "table", schedule, unit FROM policy;
ROLLBACK;
SELECT "table", schedule, unit FROM policy;

-- Removed, and nothing more to remove.
SELECT raw_clear_sessions_unschedule('token');
SELECT raw_clear_sessions_unschedule('token');
SELECT raw_clear_sessions_unschedule('pg_class');
SELECT "table" FROM policy;

-- It follows a rename, and a move to another schema.
ALTER TABLE django_session RENAME TO web_session;
CREATE SCHEMA "Other place";
ALTER TABLE web_session SET SCHEMA "Other place";
SELECT "table" FROM policy;
SELECT raw_clear_sessions_schedule('"Other place".web_session', '3 h');
SELECT "table", schedule FROM policy;
ALTER TABLE "Other place".web_session SET SCHEMA policies;
ALTER TABLE web_session RENAME TO django_session;

--
-- What is refused leaves the policy as it was.
--
CREATE FUNCTION refused(call text) RETURNS SETOF text LANGUAGE sql
AS $$ SELECT test.refusal(call, 'SELECT hashtext(string_agg(p::text, '';'' ORDER BY "table"::oid)) FROM raw_clear_sessions.policy p') $$;
CREATE FUNCTION schedule_refused(schedule text) RETURNS SETOF text LANGUAGE sql
AS $$ SELECT refused(format('raw_clear_sessions_schedule(''django_session'', %L)', schedule)) $$;
-- Schedules: for an interval
SELECT schedule_refused('');
SELECT schedule_refused('   ');
SELECT schedule_refused('soon');
SELECT schedule_refused('15');
SELECT schedule_refused('15 parsecs');
SELECT schedule_refused('0 s');
SELECT schedule_refused('0');
SELECT schedule_refused('-15 min');
SELECT schedule_refused('1 ms');
SELECT schedule_refused('2 years');
SELECT schedule_refused('99999999999999999999 h');
SELECT schedule_refused(E'15 min\nDROP TABLE django_session');
-- and for a cron expression.
SELECT schedule_refused('0 0 30 2 *');
SELECT schedule_refused('60 * * * *');
SELECT schedule_refused('* 24 * * *');
SELECT schedule_refused('* * 0 * *');
SELECT schedule_refused('* * * 13 *');
SELECT schedule_refused('* * * * 8');
SELECT schedule_refused('* * * *');
SELECT schedule_refused('* * * * * *');
SELECT schedule_refused('*/0 * * * *');
SELECT schedule_refused('5-1 * * * *');
SELECT schedule_refused('* * * * someday');
SELECT schedule_refused('@fortnightly');
SELECT schedule_refused('@reboot');
-- Rules: what raw_clear_sessions() refuses
SELECT refused($$raw_clear_sessions_schedule('token')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'kind')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expired', unit => 'seconds')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'fortnights')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'seconds', filter => 'kind =')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'seconds', filter => 'id')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'seconds', filter => 'true; DROP TABLE token')$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', time_zone => 'Mars/Olympus')$$);
-- POSIX specifications mean the opposite of what they look like.
CREATE TABLE naive (at timestamp);
SELECT refused(format($$raw_clear_sessions('naive', expires => 'at', time_zone => %L)$$, zone))
FROM unnest(ARRAY['UTC-5', '-05:00', '-5', 'GMT-5', '<+05>-5', 'localtime', 'posixrules']) AS zone;
SELECT refused($$raw_clear_sessions_schedule('django_session', keep => '-5 min')$$);
CREATE TABLE activity (id text PRIMARY KEY, payload text, last_activity integer, user_id bigint, ip_address text, user_agent text);
SELECT refused($$raw_clear_sessions_schedule('activity')$$);
-- Limits
SELECT refused($$raw_clear_sessions_schedule('django_session', batch_size => 0)$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', batch_size => -1)$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', max_rows => 0)$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', max_rows => -9223372036854775808)$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', max_duration => '0')$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', max_duration => '-1 h')$$);
SELECT refused($$raw_clear_sessions_schedule('django_session', max_duration => '1 day -25 h')$$);
-- Tables
SELECT refused($$raw_clear_sessions_schedule(NULL)$$);
SELECT refused($$raw_clear_sessions_unschedule(NULL)$$);
SELECT refused($$raw_clear_sessions_schedule(4294967295)$$);
SELECT refused($$raw_clear_sessions_schedule('pg_class', expires => 'relname')$$);
SELECT refused($$raw_clear_sessions_schedule('information_schema.sql_features')$$);
CREATE TEMPORARY TABLE temporary (LIKE django_session);
SELECT refused($$raw_clear_sessions_schedule('temporary')$$);
CREATE VIEW a_view AS SELECT * FROM django_session;
SELECT refused($$raw_clear_sessions_schedule('a_view')$$);
CREATE MATERIALIZED VIEW a_materialized_view AS SELECT * FROM django_session;
SELECT refused($$raw_clear_sessions_schedule('a_materialized_view')$$);
CREATE SEQUENCE a_sequence;
SELECT refused($$raw_clear_sessions_schedule('a_sequence')$$);
SELECT refused($$raw_clear_sessions_schedule('django_session_pkey')$$);
-- What a DELETE is refused for
CREATE PUBLICATION of_tokens FOR TABLE token;
SELECT refused($$raw_clear_sessions('token', expires => 'expires', unit => 'seconds')$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'seconds')$$);
DROP PUBLICATION of_tokens;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE of_a_file (id integer, expires timestamptz) SERVER files OPTIONS (filename '/dev/null');
SELECT refused($$raw_clear_sessions('of_a_file', expires => 'expires')$$);
SELECT refused($$raw_clear_sessions_schedule('of_a_file', expires => 'expires')$$);
DROP EXTENSION file_fdw CASCADE;
-- Texts that are longer than anybody needs, also where the extension's owner writes the table.
SELECT refused(format($$raw_clear_sessions_schedule('django_session', schedule => %L)$$, repeat('x', 8193)));
\set VERBOSITY terse
INSERT INTO raw_clear_sessions.policy ("table", unit) VALUES ('token', repeat('x', 8193));
INSERT INTO raw_clear_sessions.policy ("table", time_zone) VALUES ('token', repeat('x', 8193));
INSERT INTO raw_clear_sessions.policy ("table", schedule_time_zone) VALUES ('token', repeat('x', 8193));
\set VERBOSITY default
SELECT "table", schedule FROM policy;
-- In a read-only transaction
BEGIN READ ONLY;
SELECT refused($$raw_clear_sessions_schedule('django_session')$$);
SELECT refused($$raw_clear_sessions_unschedule('django_session')$$);
ROLLBACK;

-- A partitioned table, a partition of it by itself, and an unlogged table have their sessions cleared as well as any.
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE UNLOGGED TABLE unlogged (id integer, expires timestamptz);
SELECT raw_clear_sessions_schedule('parted', '1 day', expires => 'expires');
SELECT raw_clear_sessions_schedule('parted_1', '@hourly', expires => 'expires');
SELECT raw_clear_sessions_schedule('unlogged', '5 * * * MON-FRI', expires => 'expires + interval ''24 hours''');
SELECT "table", schedule, expires FROM policy;
-- A foreign table
CREATE EXTENSION postgres_fdw;
CREATE SERVER policies FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far_away (id integer, expires timestamptz) SERVER policies;
SELECT raw_clear_sessions_schedule('far_away', '1 d', expires => 'expires');
SELECT raw_clear_sessions_unschedule('far_away');
DROP EXTENSION postgres_fdw CASCADE;

--
-- Only the owner schedules a table, as a member of the role too.
--
CREATE ROLE regress_policies_owner;
CREATE ROLE regress_policies_member IN ROLE regress_policies_owner;
CREATE ROLE regress_policies_other;
GRANT USAGE ON SCHEMA policies TO PUBLIC;
CREATE TABLE owned (LIKE django_session INCLUDING ALL);
ALTER TABLE owned OWNER TO regress_policies_owner;
GRANT ALL ON owned TO regress_policies_other;
SET ROLE regress_policies_other;
SELECT refused($$raw_clear_sessions_schedule('owned')$$);
SELECT refused($$raw_clear_sessions_unschedule('owned')$$);
SELECT refused($$raw_clear_sessions_schedule('django_session')$$);
SELECT refused($$raw_clear_sessions_schedule('raw_clear_sessions.policy', expires => 'changed')$$);
SET ROLE regress_policies_owner;
SELECT raw_clear_sessions_schedule('owned', '1 h');
SELECT raw_clear_sessions_unschedule('owned');
SET ROLE regress_policies_member;
SELECT raw_clear_sessions_schedule('owned', '2 h');
RESET ROLE;
SELECT "table", schedule FROM policy WHERE "table" = 'owned'::regclass;
-- The owner loses that with the table.
ALTER TABLE owned OWNER TO regress_policies_other;
SET ROLE regress_policies_member;
SELECT refused($$raw_clear_sessions_unschedule('owned')$$);
RESET ROLE;
ALTER TABLE owned OWNER TO regress_policies_owner;
-- An owner who has taken the rights on it from himself cannot have the worker read it for him.
SET ROLE regress_policies_owner;
REVOKE ALL ON owned FROM regress_policies_owner;
SELECT refused($$raw_clear_sessions_schedule('owned', '5 h')$$);
GRANT ALL ON owned TO regress_policies_owner;
RESET ROLE;

-- Nobody writes the tables but through the functions, and what cannot be scheduled cannot be written either.
SET ROLE regress_policies_owner;
INSERT INTO raw_clear_sessions.policy ("table") VALUES ('owned');
UPDATE raw_clear_sessions.policy SET schedule = '1 s';
DELETE FROM raw_clear_sessions.policy;
TRUNCATE raw_clear_sessions.policy;
INSERT INTO raw_clear_sessions.history ("table", started, pid) VALUES ('owned'::regclass, now(), 0);
TABLE raw_clear_sessions.history;
TABLE raw_clear_sessions.state;
TABLE raw_clear_sessions.scheduled;
UPDATE raw_clear_sessions.run SET deleted = 0;
DELETE FROM raw_clear_sessions.run;
TRUNCATE raw_clear_sessions.history;
UPDATE raw_clear_sessions.status SET schedule = '1 s';
SELECT raw_clear_sessions.announce();
RESET ROLE;
\set VERBOSITY terse
INSERT INTO raw_clear_sessions.policy ("table", schedule) VALUES ('token', '0 0 30 2 *');
INSERT INTO raw_clear_sessions.policy ("table", batch_size) VALUES ('token', 0);
INSERT INTO raw_clear_sessions.policy ("table", max_rows) VALUES ('token', 0);
INSERT INTO raw_clear_sessions.policy ("table", max_duration) VALUES ('token', '0');
\set VERBOSITY default
-- A policy has its own time zone, if it names one that there is.
SELECT raw_clear_sessions_schedule('django_session', '0 3 L * *', schedule_time_zone => 'Europe/Berlin');
SELECT schedule, schedule_time_zone FROM raw_clear_sessions.policy WHERE "table" = 'django_session'::regclass;
SELECT refused($$raw_clear_sessions_schedule('django_session', '0 3 * * *', schedule_time_zone => 'Mars/Olympus')$$);
-- An interval goes by no zone.
SELECT refused($$raw_clear_sessions_schedule('django_session', '1 h', schedule_time_zone => 'Europe/Berlin')$$);
BEGIN;
SET LOCAL client_min_messages = notice;
SELECT raw_clear_sessions_schedule('django_session', schedule_time_zone => 'Europe/Berlin');
ROLLBACK;
-- A run at once that has to wait says what for.
BEGIN;
SET LOCAL client_min_messages = notice;
SELECT raw_clear_sessions_run_now('django_session');
SELECT raw_clear_sessions_run_now('pg_class');
ROLLBACK;
-- Its texts have an end: they are read with each run.
SELECT refused($$raw_clear_sessions_schedule('django_session', filter => 'true' || repeat(' ', 8200))$$);
\set VERBOSITY terse
INSERT INTO raw_clear_sessions.policy ("table", filter) VALUES ('token', repeat(' ', 8200));
\set VERBOSITY default
-- Who may schedule at all is the administrator's to say.
BEGIN;
REVOKE EXECUTE ON FUNCTION raw_clear_sessions_schedule FROM PUBLIC;
SET ROLE regress_policies_owner;
SELECT raw_clear_sessions_schedule('owned');
ROLLBACK;
-- Its owner's policy rests, is resumed and run at once by its owner only.
SET ROLE regress_policies_owner;
SELECT raw_clear_sessions_suspend('django_session');
SELECT raw_clear_sessions_resume('django_session');
SELECT raw_clear_sessions_run_now('django_session');
SELECT raw_clear_sessions_cancel('django_session');
SELECT raw_clear_sessions_cancel('owned');
SELECT raw_clear_sessions_suspend(NULL);
RESET ROLE;

-- A restored dump may be that of a role that may insert: then only for its own tables.
BEGIN;
GRANT INSERT ON raw_clear_sessions.policy TO regress_policies_owner;
DELETE FROM raw_clear_sessions.policy;
SET ROLE regress_policies_owner;
INSERT INTO raw_clear_sessions.policy ("table", schedule) VALUES ('owned', '4 h');
SELECT "table", schedule FROM raw_clear_sessions.policy;
SAVEPOINT s;
INSERT INTO raw_clear_sessions.policy ("table", filter) VALUES ('django_session', 'true');
ROLLBACK TO s;
INSERT INTO raw_clear_sessions.policy ("table") VALUES ('owned') ON CONFLICT ("table") DO UPDATE SET schedule = NULL;
ROLLBACK;

-- A function with its owner's rights schedules what its owner owns.
CREATE FUNCTION schedule_owned("table" regclass) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = policies, public
AS $$ SELECT raw_clear_sessions_schedule("table", '7 h') $$;
ALTER FUNCTION schedule_owned OWNER TO regress_policies_owner;
SET ROLE regress_policies_other;
SELECT schedule_owned('owned');
SELECT refused($$policies.schedule_owned('django_session')$$);
RESET ROLE;
SELECT "table", schedule FROM policy WHERE "table" IN ('owned'::regclass, 'django_session'::regclass);
-- The caller's rights and settings are his own again afterwards, also after an ERROR.
SET ROLE regress_policies_owner;
SET search_path = policies, public;
SELECT raw_clear_sessions_schedule('owned', '8 h'), current_user, current_setting('search_path');
SELECT refused($$raw_clear_sessions_schedule('owned', 'never')$$), current_user, current_setting('search_path');
RESET ROLE;

-- Objects in front of those that are meant do not come into play: what a filter names is looked up in pg_catalog.
CREATE FUNCTION policies.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE FUNCTION policies.mine() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
SET search_path = policies, pg_catalog, public;
SELECT raw_clear_sessions_schedule('token', '1 h', expires => 'expires', unit => 'seconds', filter => $$lower(kind) = 'a'$$);
SELECT refused($$raw_clear_sessions_schedule('token', expires => 'expires', unit => 'seconds', filter => 'mine()')$$);
SELECT raw_clear_sessions_schedule('token', '1 h', expires => 'expires', unit => 'seconds', filter => 'policies.mine()');
SET search_path = policies, public;

-- Without the extension's schema in the search_path
SET search_path = '';
SELECT public.raw_clear_sessions_schedule('policies.django_session', '10 h');
SELECT public.raw_clear_sessions_unschedule('policies.token');
SELECT schedule FROM raw_clear_sessions.policy WHERE "table" = 'policies.django_session'::regclass;
SET search_path = policies, public;

-- The policy of a table that is gone is not that of another, and is its owner's to remove: the worker tells them of it.
CREATE TABLE gone (LIKE django_session INCLUDING ALL);
SELECT raw_clear_sessions_schedule('gone');
SELECT 'gone'::regclass::oid AS gone \gset
DROP TABLE gone;
SELECT count(*) FROM raw_clear_sessions.status WHERE "table"::oid = :gone;
SET ROLE regress_policies_other;
SELECT raw_clear_sessions_unschedule(:gone);
RESET ROLE;
SELECT raw_clear_sessions_unschedule(:gone);
SELECT count(*) FROM raw_clear_sessions.policy WHERE "table"::oid = :gone;

-- A policy can be changed by a two-phase commit, as a cluster of Citus makes one.
BEGIN;
SELECT raw_clear_sessions_schedule('django_session', '11 h');
PREPARE TRANSACTION 'policies';
COMMIT PREPARED 'policies';
SELECT schedule FROM raw_clear_sessions.policy WHERE "table" = 'django_session'::regclass;
-- An instant that is none would be every table's problem.
\set VERBOSITY terse
UPDATE raw_clear_sessions.policy SET changed = '-infinity';
\set VERBOSITY default

DELETE FROM raw_clear_sessions.policy;
SET client_min_messages = warning;
DROP SCHEMA policies CASCADE;
DROP SCHEMA "Other place" CASCADE;
DROP ROLE regress_policies_member, regress_policies_owner, regress_policies_other;
