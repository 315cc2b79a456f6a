--
-- What stops a call from outside: the kind of transaction, locks of other sessions, timeouts, a cancel request. Nothing
-- is deleted then.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA stopped;
SET search_path = stopped, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session VALUES ('expired', '', now() - interval '1 day'), ('live', '', now() + interval '1 day');

-- What the transaction does not allow. A temporary table may be changed even in a read-only transaction.
CREATE TEMPORARY TABLE mine AS SELECT * FROM django_session;
BEGIN READ ONLY;
SAVEPOINT s;
SELECT raw_clear_sessions('django_session');
ROLLBACK TO s;
SELECT raw_clear_sessions('mine');
ROLLBACK;

-- Nor does a parallel operation: here, a function that calls it and claims to be safe in one.
CREATE FUNCTION claims_to_be_safe() RETURNS bigint PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
    RETURN raw_clear_sessions('stopped.django_session');
END
$$;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
SELECT claims_to_be_safe() FROM django_session;
ROLLBACK;

CREATE EXTENSION dblink;
SELECT dblink_connect('other', format('dbname=%L host=%L port=%s user=%L', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
-- A lock that another session has: lock_timeout and statement_timeout apply, as for DELETE.
SELECT dblink_exec('other', 'BEGIN; LOCK TABLE stopped.django_session IN SHARE MODE');
SET lock_timeout = '10ms';
SELECT raw_clear_sessions('django_session');
RESET lock_timeout;
SET statement_timeout = '10ms';
SELECT raw_clear_sessions('django_session');
RESET statement_timeout;
SELECT dblink_exec('other', 'COMMIT');

-- Another session that is clearing the table: this one does not wait for it.
SELECT dblink_exec('other', 'BEGIN');
SELECT deleted FROM dblink('other', $$SELECT public.raw_clear_sessions('stopped.django_session')$$) AS t(deleted bigint);
SELECT raw_clear_sessions('django_session');
\echo :LAST_ERROR_SQLSTATE
SELECT dblink_exec('other', 'ROLLBACK');
SELECT dblink_disconnect('other');

-- A cancelled call deletes nothing, however far it has come.
CREATE FUNCTION cancels(key text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_cancel_backend(pg_backend_pid()) WHERE key = 'second';
    RETURN true;
END
$$;
INSERT INTO django_session VALUES ('second', '', now() - interval '1 day');
SELECT raw_clear_sessions('django_session', filter => 'stopped.cancels(session_key)');
\echo :LAST_ERROR_SQLSTATE

-- After all of this, every row is still there.
SELECT session_key FROM django_session ORDER BY 1;

\set VERBOSITY terse
DROP SCHEMA stopped CASCADE;
