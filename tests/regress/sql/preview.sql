--
-- raw_clear_sessions_preview: what a call with the same arguments would do, as JSON; nothing is deleted.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA preview;
SET search_path = preview, public;
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session SELECT n, repeat(md5(n::text), 10), now() + (n - 200) * interval '1 day' + interval '1 hour'
FROM generate_series(1, 1000) AS n;
CREATE FUNCTION shown(preview jsonb) RETURNS TABLE(key text, value text) LANGUAGE sql AS $$
    -- Instants as their distance from now, sizes as what they are made of
    SELECT key, CASE
        WHEN key IN ('cutoff', 'oldest_expired') OR key = 'expired_below' AND value ~ '^\d{4}-'
            THEN round(extract(epoch FROM value::timestamptz - now()) / 86400, 1) || ' days'
        WHEN key = 'table_bytes' THEN (value::bigint = pg_table_size(preview ->> 'table'))::text
        WHEN key = 'reusable_bytes' THEN round(value::numeric / nullif((preview ->> 'table_bytes')::numeric, 0), 2) || ' of it'
        ELSE value END
    FROM jsonb_each_text(preview)
    WHERE key NOT IN ('ways', 'advice', 'advice_why')
    ORDER BY array_position('{table,framework,expires,type,unit,time_zone,keep,filter,cutoff,expired_below,engine,why,leaves,exact,expired_rows,total_rows,oldest_expired,index,table_bytes,reusable_bytes,warnings}', key)
$$;

-- All that it says. Rows are counted if they are to be exact, else estimated from the planner's statistics.
SELECT * FROM shown(raw_clear_sessions_preview('django_session', exact => true));
VACUUM ANALYZE django_session;
CREATE INDEX django_session_expire_date ON django_session (expire_date);
SELECT * FROM shown(raw_clear_sessions_preview('django_session', keep => '150 days'))
WHERE key NOT IN ('expired_rows', 'reusable_bytes');
SELECT (preview ->> 'expired_rows')::integer BETWEEN 40 AND 60 AS about_49,
    preview ->> 'total_rows' AS total_rows FROM raw_clear_sessions_preview('django_session', keep => '150 days') AS preview;
SELECT count(*) FROM django_session;

-- The cut-off in the terms of the column; filter and expression as they were understood
CREATE TABLE cache (key text, value text, expiration bigint);
SELECT * FROM shown(raw_clear_sessions_preview('cache')) WHERE key IN ('framework', 'expires', 'type', 'unit', 'index');
SELECT (extract(epoch FROM (preview ->> 'cutoff')::timestamptz) / 60)::bigint - (preview ->> 'expired_below')::bigint / 60 <= 1 AS same,
    preview ->> 'keep' AS keep
FROM raw_clear_sessions_preview('cache', keep => '1 mon 2 days 03:04:05') AS preview;
SELECT preview ->> 'expires' AS expires, preview ->> 'type' AS type, preview ->> 'filter' AS filter, preview ->> 'time_zone' AS time_zone,
    (preview ->> 'expired_below')::timestamp - (preview ->> 'cutoff')::timestamptz AT TIME ZONE 'UTC' AS difference
FROM raw_clear_sessions_preview('django_session', expires => 'expire_date AT TIME ZONE ''Asia/Tokyo''', time_zone => 'Asia/Tokyo',
    filter => 'session_key not like $$a%$$ and not (session_data = any (array[''x'']))') AS preview;

-- Over several leaves
CREATE TABLE parted (id integer, expires timestamptz) PARTITION BY RANGE (expires);
CREATE TABLE parted_past PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
CREATE TABLE parted_future PARTITION OF parted FOR VALUES FROM ('3001-01-01') TO (MAXVALUE);
INSERT INTO parted SELECT n, '2000-01-01' FROM generate_series(1, 10) AS n;
INSERT INTO parted SELECT n, '3002-01-01' FROM generate_series(1, 30) AS n;
ANALYZE parted;
SELECT jsonb_pretty(preview -> 'leaves') AS leaves, preview -> 'expired_rows' AS expired, preview -> 'total_rows' AS total,
    (preview -> 'table_bytes')::bigint = pg_table_size('parted_past') + pg_table_size('parted_future') AS all_bytes
FROM raw_clear_sessions_preview('parted', expires => 'expires') AS preview;

-- It takes no more than the lock of a SELECT, and works in a read-only transaction. The call takes the lock of a DELETE,
-- and keeps other calls from the table until the transaction ends, if it has deleted rows.
BEGIN READ ONLY;
SELECT raw_clear_sessions_preview('django_session', exact => true) ->> 'expired_rows' AS expired_rows;
SELECT DISTINCT mode FROM pg_locks
WHERE pid = pg_backend_pid() AND (relation = 'django_session'::regclass OR classid = 'pg_class'::regclass) ORDER BY 1;
COMMIT;
BEGIN;
SELECT raw_clear_sessions('django_session', keep => '1000 days');
SELECT DISTINCT locktype, mode, objid = 'django_session'::regclass AS of_the_table FROM pg_locks
WHERE pid = pg_backend_pid() AND (relation = 'django_session'::regclass OR classid = 'pg_class'::regclass)
    AND mode <> 'AccessShareLock' ORDER BY 1, 2;
SELECT raw_clear_sessions('django_session') > 0 AS some;
SELECT DISTINCT locktype, mode, objid = 'django_session'::regclass AS of_the_table FROM pg_locks
WHERE pid = pg_backend_pid() AND (relation = 'django_session'::regclass OR classid = 'pg_class'::regclass)
    AND mode <> 'AccessShareLock' ORDER BY 1, 2;
ROLLBACK;

-- Whoever may read the table may have the preview.
CREATE ROLE regress_preview;
GRANT USAGE ON SCHEMA preview TO regress_preview;
GRANT SELECT ON django_session TO regress_preview;
SET ROLE regress_preview;
SELECT preview ->> 'expired_rows' AS expired_rows, preview -> 'warnings' AS warnings
FROM raw_clear_sessions_preview('preview.django_session', exact => true) AS preview;
SELECT test.refusal($$raw_clear_sessions('preview.django_session')$$);
RESET ROLE;

-- A warning says where each call has to read the whole table.
SELECT raw_clear_sessions_preview('cache') ->> 'warnings' AS warnings;
-- A table without rows has nothing to win.
TRUNCATE django_session;
SELECT * FROM shown(raw_clear_sessions_preview('django_session', exact => true))
WHERE key IN ('expired_rows', 'total_rows', 'oldest_expired', 'reusable_bytes');
-- NULL is not exact.
SELECT raw_clear_sessions_preview('django_session', exact => NULL) ->> 'exact' AS exact;

\set VERBOSITY terse
DROP SCHEMA preview CASCADE;
DROP ROLE regress_preview;
