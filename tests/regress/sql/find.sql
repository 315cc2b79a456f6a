--
-- raw_clear_sessions_find(): the tables that are, or nearly are, session tables; nothing fails because of one of them.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE DATABASE regress_find TEMPLATE template0;
\c regress_find
SET client_min_messages = warning;
CREATE EXTENSION raw_clear_sessions;
CREATE ROLE regress_find;
CREATE SCHEMA app;
CREATE TABLE app.django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
CREATE INDEX ON app.django_session (expire_date);
INSERT INTO app.django_session SELECT n, '', '2001-01-01' FROM generate_series(1, 300) AS n;
INSERT INTO app.django_session SELECT n, '', 'infinity' FROM generate_series(301, 1000) AS n;
CREATE TABLE app.sessions (id varchar(255) PRIMARY KEY, user_id bigint, ip_address text, user_agent text, payload text NOT NULL, last_activity integer NOT NULL);
INSERT INTO app.sessions SELECT n, NULL, NULL, NULL, '', extract(epoch FROM now()) FROM generate_series(1, 1000) AS n;
CREATE TABLE app.express (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
CREATE TABLE app.subscription (id text PRIMARY KEY, user_id text NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE app."One-time codes" (id bigint PRIMARY KEY, code text NOT NULL, "validUntil" bigint NOT NULL);
INSERT INTO app."One-time codes" VALUES (1, '', 5);
CREATE TABLE app.users (id bigint PRIMARY KEY, email text, reset_token_expires timestamptz, last_login timestamptz);
CREATE TABLE app.accounts (id bigint PRIMARY KEY, access_token text, expires_at bigint);
-- perhaps Phoenix's, of whose rows only some are sessions
CREATE TABLE app.keys (id bigint PRIMARY KEY, token bytea NOT NULL, context text NOT NULL, sent_to text, inserted_at timestamp NOT NULL, device text);
INSERT INTO app.keys VALUES (1, '', 'session', NULL, '2001-01-01'), (2, '', 'reset_password', NULL, '2001-01-01');
CREATE TABLE app.user_sessions (id bigserial PRIMARY KEY, user_id bigint NOT NULL, ip_address varchar, user_agent varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE app.admin_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL, legal_hold boolean NOT NULL);
CREATE TABLE app.web_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL, refresh_until date);
CREATE SCHEMA backup_2026;
CREATE TABLE backup_2026.django_session (LIKE app.django_session);
CREATE TABLE app.oauth_access_tokens (id bigserial PRIMARY KEY, token varchar NOT NULL, expires_in integer, created_at timestamp NOT NULL);
CREATE TABLE app.game_character (id bigint PRIMARY KEY, exp bigint NOT NULL);
CREATE TABLE app.logs (id bigint, logged_at timestamptz);
CREATE TABLE app.parted (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL) PARTITION BY RANGE (expire_date);
CREATE TABLE app.part PARTITION OF app.parted DEFAULT;
CREATE TABLE app.parent (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL);
-- What is cleared with its parent is not listed; a child with a column of its own is.
CREATE TABLE app.child () INHERITS (app.parent);
CREATE TABLE app.other_child (more text) INHERITS (app.parent);
CREATE VIEW app.view AS SELECT * FROM app.django_session;
CREATE TABLE app.forbidden (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL);
GRANT USAGE ON SCHEMA app TO regress_find;
GRANT SELECT ON app.django_session, app.sessions, app.express TO regress_find;
GRANT SELECT (session_key) ON app.parted TO regress_find;
CREATE EXTENSION postgres_fdw;
CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nonexistent');
CREATE FOREIGN TABLE app.elsewhere (session_key varchar(40) NOT NULL, session_data text NOT NULL, expire_date timestamptz NOT NULL) SERVER nowhere;
CREATE TEMPORARY TABLE mine (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL);
ANALYZE;
SELECT raw_clear_sessions_schedule('app.django_session', '1 h');

\x
SELECT regexp_replace("table", 'pg_temp_\d+', 'pg_temp_N') AS "table", framework, missing, total_rows, expired_rows, oldest_expired::date,
    scheduled, regexp_replace(call, 'pg_temp_\d+', 'pg_temp_N') AS call, regexp_replace(schedule_call, 'pg_temp_\d+', 'pg_temp_N') AS schedule_call, note
FROM raw_clear_sessions_find();
\x
-- Nothing is deleted, and no lock is left.
BEGIN;
SELECT count(*) FROM raw_clear_sessions_find();
SELECT count(*) FROM pg_locks JOIN pg_class AS c ON c.oid = relation WHERE relnamespace = 'app'::regnamespace AND locktype = 'relation';
ROLLBACK;
SELECT count(*) FROM app.django_session;
-- A table that another session has locked is not waited for.
CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('dbname=%L host=%L port=%s user=%L', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('other', 'BEGIN');
SELECT dblink_exec('other', 'LOCK TABLE app.sessions');
SELECT "table", bytes, note FROM raw_clear_sessions_find() WHERE "table" = 'app.sessions';
SELECT dblink_disconnect('other');
-- Somebody else sees what he may read.
SET ROLE regress_find;
SELECT "table", expired_rows, note FROM raw_clear_sessions_find();
-- A table of which something calls a function of another role, such as the predicate of an index, is not looked at.
RESET ROLE;
CREATE ROLE regress_find_owner;
CREATE SCHEMA owned AUTHORIZATION regress_find_owner;
SET ROLE regress_find_owner;
CREATE TABLE owned.django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
GRANT USAGE ON SCHEMA owned TO PUBLIC;
GRANT SELECT ON owned.django_session TO PUBLIC;
CREATE FUNCTION owned.whose() RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE INDEX ON owned.django_session (expire_date) WHERE owned.whose();
CREATE OR REPLACE FUNCTION owned.whose() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'regress_find_owner' THEN RAISE EXCEPTION 'ran as %', current_user; END IF;
    PERFORM set_config('work_mem', '123kB', false);
    RETURN true;
END $$;
RESET ROLE;
SELECT "table", expired_rows, note FROM raw_clear_sessions_find() WHERE "table" = 'owned.django_session';
SHOW work_mem;
SELECT current_user = session_user AS still_myself;
SET ROLE regress_find;
SELECT "table", expired_rows, note FROM raw_clear_sessions_find() WHERE "table" = 'owned.django_session';
SELECT raw_clear_sessions.look('owned.django_session'::regclass) AS owned, raw_clear_sessions.look('app.forbidden'::regclass) AS forbidden;
SET ROLE regress_find_owner;
SELECT "table", expired_rows, note FROM raw_clear_sessions_find() WHERE "table" = 'owned.django_session';
SHOW work_mem;
CREATE FUNCTION owned.f(timestamptz) RETURNS timestamptz IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;
CREATE FUNCTION owned.key() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;
CREATE OPERATOR owned.=== (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = timestamptz_eq);
CREATE DOMAIN owned.instant AS timestamptz;
CREATE TABLE owned.checked (LIKE owned.django_session, CHECK (owned.f(expire_date) > '2001-01-01'));
CREATE TABLE owned.excluded (LIKE owned.django_session, EXCLUDE (session_key WITH =) WHERE (owned.f(expire_date) > '2001-01-01'));
CREATE TABLE owned.generated (LIKE owned.django_session, f timestamptz GENERATED ALWAYS AS (owned.f(expire_date)) STORED);
CREATE TABLE owned.indexed (LIKE owned.django_session);
CREATE INDEX ON owned.indexed (session_key) WHERE expire_date OPERATOR(owned.===) '2001-01-01';
CREATE TABLE owned.of_domain (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date owned.instant NOT NULL);
CREATE TABLE owned.parted (LIKE owned.django_session) PARTITION BY RANGE (owned.f(expire_date));
CREATE TABLE owned.policed (LIKE owned.django_session);
ALTER TABLE owned.policed FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY;
CREATE POLICY policed ON owned.policed USING (owned.f(expire_date) > '2001-01-01');
CREATE TABLE owned.counted (LIKE owned.django_session);
CREATE STATISTICS owned.counted ON owned.f(expire_date), session_key FROM owned.counted;
CREATE TABLE owned.with_part (LIKE owned.django_session) PARTITION BY RANGE (expire_date);
CREATE TABLE owned.part PARTITION OF owned.with_part DEFAULT;
CREATE INDEX ON owned.part (owned.f(expire_date));
-- What is called when rows are written is not called when they are read.
CREATE TABLE owned.written (LIKE owned.django_session);
ALTER TABLE owned.written ALTER session_key SET DEFAULT owned.key();
CREATE VIEW owned.shown AS SELECT owned.f(expire_date) FROM owned.written;
-- A policy may read a view, which calls something.
CREATE VIEW owned.calling AS SELECT owned.f('2001-01-01') AS f;
CREATE TABLE owned.reading (LIKE owned.django_session);
ALTER TABLE owned.reading FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON owned.reading USING (expire_date > (SELECT f FROM owned.calling));
RESET ROLE;
-- A foreign server is asked neither as the owner nor as the caller.
CREATE TABLE owned.spread (LIKE app.django_session) PARTITION BY RANGE (expire_date);
CREATE FOREIGN TABLE owned.far PARTITION OF owned.spread DEFAULT SERVER nowhere;
SELECT "table", total_rows, note FROM raw_clear_sessions_find() WHERE "table" LIKE 'owned.%';
-- What is the caller's own does not run either where the table is another role's, as whom it would run: the function in an index,
-- or what a partition of the caller's may come to call.
CREATE TABLE owned.lent (LIKE owned.django_session);
ALTER TABLE owned.lent OWNER TO regress_find_owner;
CREATE FUNCTION app.mine() RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE INDEX ON owned.lent (expire_date) WHERE app.mine();
CREATE OR REPLACE FUNCTION app.mine() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
ALTER FUNCTION app.mine() OWNER TO regress_find;
CREATE TABLE owned.shared (LIKE owned.django_session) PARTITION BY RANGE (expire_date);
ALTER TABLE owned.shared OWNER TO regress_find_owner;
CREATE TABLE owned.given PARTITION OF owned.shared DEFAULT;
ALTER TABLE owned.given OWNER TO regress_find;
GRANT SELECT ON owned.lent, owned.shared TO regress_find;
SET ROLE regress_find;
SELECT "table", total_rows, note FROM raw_clear_sessions_find() WHERE "table" IN ('owned.lent', 'owned.shared');
RESET ROLE;
-- Nothing of the caller's is evaluated there: it takes no expression, and goes by no search_path.
SELECT pg_get_function_arguments('raw_clear_sessions.look'::regproc);
RESET ROLE;
CREATE TABLE owned.users_tokens (id bigserial PRIMARY KEY, user_id bigint NOT NULL, token bytea NOT NULL, context text NOT NULL, sent_to text, inserted_at timestamp NOT NULL);
ALTER TABLE owned.users_tokens OWNER TO regress_find_owner;
INSERT INTO owned.users_tokens (user_id, token, context, inserted_at) VALUES (1, '', 'session', '2001-01-01');
GRANT SELECT ON owned.users_tokens TO PUBLIC;
CREATE SCHEMA traps AUTHORIZATION regress_find;
SET ROLE regress_find;
CREATE FUNCTION traps.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE OPERATOR traps.= (LEFTARG = text, RIGHTARG = text, FUNCTION = traps.same);
SET search_path = traps, pg_catalog;
SELECT raw_clear_sessions.look('owned.users_tokens'::regclass) ->> 'expired_rows' AS expired_rows;
RESET search_path;
RESET ROLE;
-- Nothing that stands in his search_path is taken for PostgreSQL's own.
RESET ROLE;
CREATE SCHEMA trap;
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'trap' $$;
SET search_path = trap, pg_catalog, public;
SELECT count(*) FROM raw_clear_sessions_find() WHERE "table" = 'trap';
-- The extension's schema gets another name, and another schema its own, with functions of somebody's.
RESET search_path;
ALTER SCHEMA public RENAME TO v1;
CREATE SCHEMA public;
CREATE FUNCTION public.raw_clear_sessions_preview(regclass) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
SELECT "table", expired_rows, note FROM v1.raw_clear_sessions_find() WHERE "table" = 'app.django_session';
-- So does the schema of its relations. The calls can be made from where they were asked for.
ALTER SCHEMA raw_clear_sessions RENAME TO cleaning;
SELECT "table", expired_rows, note, call FROM v1.raw_clear_sessions_find() WHERE "table" = 'app.django_session' \gx
SELECT call FROM v1.raw_clear_sessions_find() WHERE "table" = 'app.django_session' \gexec
SELECT schedule_call FROM v1.raw_clear_sessions_find() WHERE "table" = 'app.django_session' \gexec
ALTER SCHEMA cleaning RENAME TO raw_clear_sessions;
SELECT v1.raw_clear_sessions_suspend('app.django_session');
SELECT note FROM raw_clear_sessions.status WHERE "table" = 'app.django_session'::regclass;
\c regression
SET client_min_messages = warning;
DROP DATABASE regress_find;
DROP ROLE regress_find, regress_find_owner;
