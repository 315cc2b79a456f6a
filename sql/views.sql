-- What the worker does, and is about to do. A role sees the tables that it may read, a monitoring role sees all.

-- As for the tables: nothing but PostgreSQL's own objects and ours, with arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The schema that the functions are in now: it may have been renamed since they were made.
CREATE FUNCTION raw_clear_sessions.functions_schema() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'raw_clear_sessions');

COMMENT ON FUNCTION raw_clear_sessions.functions_schema() IS 'where the functions are, for the view raw_clear_sessions.status';

CREATE VIEW raw_clear_sessions.progress AS
SELECT
    r.pid,
    r."table"::regclass AS "table",
    r.phase,
    r.leaf::regclass AS leaf,
    nullif(r.blocks_total, 0) AS blocks_total,
    CASE WHEN r.blocks_total > 0 THEN r.blocks_done END AS blocks_done,
    r.percent,
    r.deleted,
    r.skipped,
    r.batches,
    r.waiting,
    r.started,
    r.estimated_end
FROM raw_clear_sessions.running() AS r;

COMMENT ON VIEW raw_clear_sessions.progress IS 'the clearings that are running now, if raw_clear_sessions is preloaded';
COMMENT ON COLUMN raw_clear_sessions.progress.pid IS 'the process id of the worker, or of the session that called';
COMMENT ON COLUMN raw_clear_sessions.progress."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.progress.phase IS
    'initializing, scanning heap, scanning index, deleting by SQL, clearing shards, reading ahead, finding expired rows, rewriting, rebuilding indexes, repacking, or vacuuming';
COMMENT ON COLUMN raw_clear_sessions.progress.leaf IS 'the partition that it is at, or the table itself';
COMMENT ON COLUMN raw_clear_sessions.progress.blocks_total IS
    'blocks to read, of all partitions that are read by blocks; NULL if there are none';
COMMENT ON COLUMN raw_clear_sessions.progress.blocks_done IS 'blocks read';
COMMENT ON COLUMN raw_clear_sessions.progress.percent IS
    'share of the blocks that has been read; NULL where reading them is not all that there is to do';
COMMENT ON COLUMN raw_clear_sessions.progress.deleted IS 'rows deleted so far';
COMMENT ON COLUMN raw_clear_sessions.progress.skipped IS
    'expired rows left alone so far because another transaction was changing them';
COMMENT ON COLUMN raw_clear_sessions.progress.batches IS 'transactions that have deleted rows so far';
COMMENT ON COLUMN raw_clear_sessions.progress.waiting IS
    'what it waits for between two transactions: cost delay, or replication lag';
COMMENT ON COLUMN raw_clear_sessions.progress.started IS 'when it began';
COMMENT ON COLUMN raw_clear_sessions.progress.estimated_end IS
    'when it will have ended if it goes on at the pace so far, or when a limit ends it; NULL where that cannot be known';
GRANT SELECT ON raw_clear_sessions.progress TO PUBLIC;

CREATE VIEW raw_clear_sessions.run WITH (security_barrier) AS
SELECT
    h.id,
    h."table"::regclass AS "table",
    h.started,
    h.ended,
    h.stop,
    h.deleted,
    h.skipped,
    h.batches,
    CASE WHEN raw_clear_sessions.reads_all(h."table") THEN h.error END AS error,
    h.sqlstate,
    h.pid,
    h.caller,
    CASE
        WHEN raw_clear_sessions.reads_all(h."table") THEN h.details
        ELSE (
            SELECT jsonb_object_agg(d.key, d.value) FROM jsonb_each(h.details) AS d
            WHERE d.key = ANY ('{policy,elapsed_ms,wal_bytes,buffers_hit,buffers_read,buffers_dirtied,expired_left,locked_ms,repack_ms,repack_bytes_before,repack_bytes_after,vacuumed}'))
    END AS details
FROM raw_clear_sessions.history AS h
WHERE raw_clear_sessions.visible(h."table");

COMMENT ON VIEW raw_clear_sessions.run IS
    'runs that deleted or left rows, or failed, as long as raw_clear_sessions.history says';
COMMENT ON COLUMN raw_clear_sessions.run.id IS 'rises from run to run';
COMMENT ON COLUMN raw_clear_sessions.run."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.run.started IS 'when it began';
COMMENT ON COLUMN raw_clear_sessions.run.ended IS 'when it ended; NULL while it is running, or put aside until other tables or databases have had their turn';
COMMENT ON COLUMN raw_clear_sessions.run.stop IS
    'why it ended: done, hidden, max_rows, max_duration, paused, unscheduled, canceled, failed, left_out, or interrupted; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.run.deleted IS 'rows deleted; while it is running, and if it was interrupted, at least these';
COMMENT ON COLUMN raw_clear_sessions.run.skipped IS 'expired rows left alone because another transaction was changing them';
COMMENT ON COLUMN raw_clear_sessions.run.batches IS 'transactions that deleted rows';
COMMENT ON COLUMN raw_clear_sessions.run.error IS
    'the error that it ended with; NULL for roles that may not read the whole table';
COMMENT ON COLUMN raw_clear_sessions.run.sqlstate IS 'the SQLSTATE of the error';
COMMENT ON COLUMN raw_clear_sessions.run.pid IS 'the process id of the worker, or of the session that called';
COMMENT ON COLUMN raw_clear_sessions.run.caller IS 'the role that called a function or the procedure; NULL: the worker ran it';
COMMENT ON COLUMN raw_clear_sessions.run.details IS
    'the policy that it ran by, what it used and wrote, whether it rewrote, repacked or vacuumed, DETAIL and HINT of the error';
GRANT SELECT ON raw_clear_sessions.run TO PUBLIC;

-- A copy of a database, by CREATE DATABASE ... TEMPLATE, has the oids of all that is in it, and not its own.
CREATE FUNCTION raw_clear_sessions.installation() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT d.oid::bigint << 32 | 'raw_clear_sessions.policy'::regclass::oid::bigint FROM pg_database AS d
    WHERE d.datname = current_database());

COMMENT ON FUNCTION raw_clear_sessions.installation() IS 'this database, and the table of policies in it, as one number';

-- What is scheduled, and what is known of it: for the worker, and the view status.
CREATE VIEW raw_clear_sessions.scheduled AS
WITH recovered AS MATERIALIZED (
    SELECT r.recovery FROM raw_clear_sessions.recovery() AS r (recovery), raw_clear_sessions.origin AS o
    WHERE r.recovery IS DISTINCT FROM o.recovery
)
SELECT
    t."table",
    t.source,
    t.schedule,
    t.schedule_time_zone,
    t.changed,
    t.suspended,
    t.restored,
    (SELECT r.recovery FROM recovered AS r) AS recovery,
    s.name,
    s.runs,
    s.deleted,
    -- Whoever replaces a policy has done something about it, and may have changed what is expired.
    CASE WHEN s.last_end >= coalesce(t.changed, '-infinity') THEN s.failures ELSE 0 END AS failures,
    s.first_start,
    s.last_start,
    s.last_end,
    s.last_stop,
    s.last_deleted,
    s.last_skipped,
    s.expired_left,
    s.success_start,
    s.success_end,
    CASE WHEN s.cleared_until >= coalesce(t.changed, '-infinity') THEN s.cleared_until END AS cleared_until,
    s.error,
    s.sqlstate,
    s.run_now IS NOT NULL AS run_now,
    CASE WHEN s.repack_tried >= coalesce(t.changed, '-infinity') THEN s.repack_error END AS repack_error,
    -- What a subscription writes is cleared where it comes from: a session that was renewed there, and whose renewal has
    -- not arrived yet, looks expired here. So does what is cleared with it, and what it is a part of.
    CASE WHEN EXISTS (SELECT FROM pg_subscription_rel) THEN (
        WITH RECURSIVE down (oid) AS (
            SELECT t."table" UNION SELECT i.inhrelid FROM down JOIN pg_inherits AS i ON i.inhparent = down.oid
        ),
        up (oid) AS (
            SELECT t."table" UNION SELECT i.inhparent FROM up JOIN pg_inherits AS i ON i.inhrelid = up.oid
        )
        SELECT min(u.subname::text) COLLATE "default" FROM pg_subscription_rel AS r JOIN pg_subscription AS u ON u.oid = r.srsubid
        WHERE r.srrelid IN (SELECT down.oid FROM down UNION ALL SELECT up.oid FROM up)
    ) END AS subscription
FROM (
    SELECT p."table"::oid AS "table", 'policy' AS source, p.schedule, p.schedule_time_zone, p.changed, p.suspended,
        p.installation IS DISTINCT FROM (SELECT raw_clear_sessions.installation()) AS restored
    FROM raw_clear_sessions.policy AS p
    UNION ALL
    SELECT DISTINCT c.oid, 'setting' AS source, NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz,
        (SELECT o.restored FROM raw_clear_sessions.origin AS o)
    FROM raw_clear_sessions.listed() AS l
    JOIN pg_class AS c ON c.relname = l.name::name
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.kind = 'table'
        AND (l.schema IS NULL OR n.nspname = l.schema)
        AND c.relkind IN ('r', 'p', 'f')
        AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND NOT EXISTS (SELECT FROM raw_clear_sessions.policy AS p WHERE p."table" = c.oid)
) AS t
LEFT JOIN raw_clear_sessions.state AS s ON s."table" = t."table"
-- Of a table that is gone it is NULL. By the catalog cache: Citus hides the tables of its shards from scans of pg_class.
WHERE pg_table_is_visible(t."table") IS NOT NULL;

COMMENT ON VIEW raw_clear_sessions.scheduled IS 'the tables that are scheduled, for the worker and raw_clear_sessions.status';
COMMENT ON COLUMN raw_clear_sessions.scheduled."table" IS 'the table';
COMMENT ON COLUMN raw_clear_sessions.scheduled.source IS 'policy or setting';
COMMENT ON COLUMN raw_clear_sessions.scheduled.schedule IS 'its own schedule';
COMMENT ON COLUMN raw_clear_sessions.scheduled.schedule_time_zone IS 'the zone of that';
COMMENT ON COLUMN raw_clear_sessions.scheduled.changed IS 'when the policy was made or replaced';
COMMENT ON COLUMN raw_clear_sessions.scheduled.suspended IS 'since when the policy rests';
COMMENT ON COLUMN raw_clear_sessions.scheduled.restored IS 'the policy, or the database, comes from a dump, another database or another server';
COMMENT ON COLUMN raw_clear_sessions.scheduled.recovery IS
    'the recovery to a point in time after which nobody has said that it may be cleared';
COMMENT ON COLUMN raw_clear_sessions.scheduled.name IS 'its name when it was last seen';
COMMENT ON COLUMN raw_clear_sessions.scheduled.runs IS 'runs that have ended';
COMMENT ON COLUMN raw_clear_sessions.scheduled.deleted IS 'rows that they deleted';
COMMENT ON COLUMN raw_clear_sessions.scheduled.failures IS 'failed runs in a row';
COMMENT ON COLUMN raw_clear_sessions.scheduled.first_start IS 'when the first run began';
COMMENT ON COLUMN raw_clear_sessions.scheduled.last_start IS 'when the last run began that has ended';
COMMENT ON COLUMN raw_clear_sessions.scheduled.last_end IS 'when it ended';
COMMENT ON COLUMN raw_clear_sessions.scheduled.last_stop IS 'why';
COMMENT ON COLUMN raw_clear_sessions.scheduled.last_deleted IS 'rows that it deleted';
COMMENT ON COLUMN raw_clear_sessions.scheduled.last_skipped IS 'expired rows that it left alone';
COMMENT ON COLUMN raw_clear_sessions.scheduled.expired_left IS 'expired rows that it left';
COMMENT ON COLUMN raw_clear_sessions.scheduled.success_start IS 'when the last complete run began';
COMMENT ON COLUMN raw_clear_sessions.scheduled.success_end IS 'when it ended';
COMMENT ON COLUMN raw_clear_sessions.scheduled.cleared_until IS 'what had expired by then was deleted';
COMMENT ON COLUMN raw_clear_sessions.scheduled.error IS 'the last error';
COMMENT ON COLUMN raw_clear_sessions.scheduled.sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN raw_clear_sessions.scheduled.run_now IS 'a run at once has been asked for';
COMMENT ON COLUMN raw_clear_sessions.scheduled.repack_error IS 'why it could not be repacked when that was last tried';
COMMENT ON COLUMN raw_clear_sessions.scheduled.subscription IS 'the subscription that writes the table';

CREATE VIEW raw_clear_sessions.status WITH (security_barrier) AS
WITH visible AS MATERIALIZED (
    SELECT * FROM raw_clear_sessions.scheduled AS s WHERE raw_clear_sessions.visible(s."table")
),
off AS MATERIALIZED (
    SELECT raw_clear_sessions.worker_off() AS note, raw_clear_sessions.clock_note() AS clock,
        raw_clear_sessions.next_try() AS next_try
),
running AS MATERIALIZED (
    SELECT DISTINCT ON (r."table") r."table", r.pid, r.started FROM raw_clear_sessions.running() AS r
    WHERE r.by_worker ORDER BY r."table", r.started
),
-- Those that keep two clearings of a table apart (src/pg/table_guard.rs).
guards AS MATERIALIZED (
    SELECT l.objid AS "table", min(l.pid) AS pid FROM pg_locks AS l
    WHERE l.locktype = 'object' AND l.classid = 'pg_class'::regclass AND l.objsubid = 29283 AND l.granted
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    GROUP BY l.objid
)
SELECT
    s."table"::regclass AS "table",
    s.source,
    coalesce(s.schedule, current_setting('raw_clear_sessions.schedule', true)) AS schedule,
    n.next_start,
    s.first_start,
    coalesce(running.started, s.last_start) AS last_start,
    CASE WHEN running.pid IS NULL THEN s.last_end END AS last_end,
    s.success_end AS last_success,
    -- Counted from the last success, or from when it was first to be cleared; nobody can tell the latter of a setting.
    raw_clear_sessions.starts_since(
        s.schedule, s.schedule_time_zone, coalesce(greatest(s.success_start, s.changed), s.first_start))
        AS starts_since_success,
    CASE WHEN s.cleared_until > now() THEN now() ELSE s.cleared_until END AS cleared_until,
    CASE WHEN running.pid IS NULL THEN s.last_stop END AS last_stop,
    CASE WHEN running.pid IS NULL THEN s.last_deleted END AS last_deleted,
    CASE WHEN running.pid IS NULL THEN s.last_skipped END AS last_skipped,
    s.expired_left,
    coalesce(s.deleted, 0) AS total_deleted,
    coalesce(s.runs, 0) AS runs,
    s.failures::bigint AS failures,
    CASE WHEN raw_clear_sessions.reads_all(s."table") THEN s.error END AS last_error,
    s.sqlstate AS last_sqlstate,
    running.pid,
    CASE WHEN running.pid IS NULL AND due.instant <= now() THEN CASE
        WHEN off.next_try IS NOT NULL THEN 'the next try of the worker, which has failed in this database'
        WHEN off.note IS NULL THEN coalesce(
            (SELECT CASE WHEN g.pid IS NULL THEN 'the end of a prepared transaction in which the table was cleared'
                ELSE format('process %s, which is clearing the table, or has cleared it in a transaction that is still open', g.pid) END
            FROM guards AS g WHERE g."table" = s."table"),
            CASE WHEN raw_clear_sessions.is_being_written(s."table")
                THEN 'a transaction, open or prepared, that has called a function of the extension for the table' END,
            (SELECT format('process %s, which does not react, and keeps what belongs to the same owner', min(r.pid))
                FROM running AS r JOIN pg_class AS c ON c.oid = r."table" JOIN pg_class AS own ON own.oid = s."table"
                WHERE raw_clear_sessions.is_deaf(r.pid) AND c.relowner = own.relowner HAVING count(*) > 0),
            (SELECT format('the run of table %s', min(r."table"::regclass::text)) FROM running AS r
                WHERE NOT raw_clear_sessions.is_deaf(r.pid) HAVING count(*) > 0),
            'the worker, which is at another table, in other databases, or comes again within seconds')
        END
    END AS waits_for,
    CASE
        WHEN s.recovery IS NOT NULL THEN format(
            'the server was recovered to a point in time (%s), and nothing is cleared until you say that it may be: SELECT %s.raw_clear_sessions_resume_all()',
            s.recovery, raw_clear_sessions.functions_schema())
        WHEN s.restored AND s.source = 'setting' THEN format(
            'the database comes from a dump, and the table rests until you say that it may be cleared here: SELECT %s.raw_clear_sessions_resume_all()',
            raw_clear_sessions.functions_schema())
        WHEN s.restored THEN format(
            'the policy comes from a dump, from another database or another server, and rests until you say that it may be carried out here: SELECT %s.raw_clear_sessions_resume(%L)',
            raw_clear_sessions.functions_schema(), s."table"::regclass)
        WHEN s.suspended IS NOT NULL THEN format(
            'the policy is suspended: SELECT %s.raw_clear_sessions_resume(%L)', raw_clear_sessions.functions_schema(), s."table"::regclass)
        WHEN EXISTS (
            SELECT FROM pg_subscription AS u JOIN pg_database AS d ON d.oid = u.subdbid
            WHERE u.subname = s.subscription::name AND d.datname = current_database() AND NOT u.subenabled
        ) THEN format(
            'the table is written by subscription %1$I, which is disabled, and not cleared here: enable it, or drop it if it is not to write the table any more',
            s.subscription)
        WHEN s.subscription IS NOT NULL THEN format(
            'the table is written by subscription %I, and cleared where its rows come from', s.subscription)
        ELSE coalesce(
            CASE WHEN raw_clear_sessions.is_deaf(running.pid) THEN format(
                'process %s, which clears the table, does not react: a filter, a function, a trigger or a foreign server keeps it where no cancel is looked at; other owners'' tables are cleared without it',
                running.pid)
            END,
            off.note,
            CASE WHEN raw_clear_sessions.hides_rows(s."table") THEN format(
                'row-level security hides rows from %1$s, the owner of the table, as whom the worker acts: what he does not see is not cleared; call %2$s.raw_clear_sessions_in_batches() as a role that has BYPASSRLS, or, if no application connects as %1$s, give him BYPASSRLS, or a policy FOR ALL TO %1$s USING (true)',
                (SELECT quote_ident(pg_get_userbyid(c.relowner)) COLLATE "default" FROM pg_class AS c WHERE c.oid = s."table"), raw_clear_sessions.functions_schema())
            END,
            CASE WHEN s.repack_error IS NOT NULL AND running.pid IS NULL AND raw_clear_sessions.reads_all(s."table") THEN format(
                'the table is much larger than its rows, and was not repacked: %s; it is tried again after an hour, when a run has deleted rows',
                s.repack_error)
            END,
            -- By the catalogs: to_regclass() would ask who reads this for rights on the schema.
            CASE WHEN s.source = 'policy'
                AND s.name <> (
                    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
                    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = s."table")
                AND EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE format('%I.%I', n.nspname, c.relname) = s.name)
            THEN format(
                'the table was %s when it was scheduled, and another one has that name now; if that is to be cleared instead, call %s.raw_clear_sessions_unschedule(%L) and schedule the other',
                s.name, raw_clear_sessions.functions_schema(), s."table"::regclass)
            END,
            off.clock)
    END AS note
FROM visible AS s
CROSS JOIN off
LEFT JOIN running ON running."table" = s."table"
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.suspended IS NULL AND NOT s.restored AND s.recovery IS NULL AND s.subscription IS NULL THEN
        raw_clear_sessions.next_start(
            s."table", s.schedule, s.schedule_time_zone, s.changed, s.last_start, s.last_end, s.failures)
    END
) AS by_schedule (next_start)
-- A run at once that has been asked for, or was due when the worker could not come, does not wait for the schedule.
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.run_now AND running.pid IS NULL AND by_schedule.next_start > now() THEN now() ELSE by_schedule.next_start END
) AS due (instant)
-- Nor before the worker comes again that has failed.
CROSS JOIN LATERAL (
    SELECT CASE WHEN due.instant IS NOT NULL THEN greatest(due.instant, off.next_try) END
) AS n (next_start)
UNION ALL
SELECT NULL, 'policy', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    format('table %s has gone, and its policy with it', g.name)
    || CASE
        WHEN g.another THEN '; if the table that has its name now is to be cleared as well: SELECT ' || raw_clear_sessions.functions_schema() || '.raw_clear_sessions_schedule('
            || quote_literal(g.name)
            || coalesce((
                -- What its rows are, and how long they live, was said of the other table.
                SELECT string_agg(format(', %s => %L', p.key, CASE WHEN p.key IN ('expires', 'keep') THEN '...' ELSE p.value END), '' ORDER BY p.key) FROM jsonb_each_text(g.lost) AS p
                WHERE p.key <> ALL ('{table,suspended,installation,changed,gone,meant,named}')), '')
            || ')'
        ELSE '; if another has taken its place, schedule that one'
    END
FROM (
    SELECT s.name, s.lost, c.oid IS NOT NULL AS another
    FROM raw_clear_sessions.state AS s
    LEFT JOIN (pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace)
        ON format('%I.%I', n.nspname, c.relname) = s.name AND c.relowner = s.owner AND c.relkind IN ('r', 'p', 'f')
    WHERE s.lost IS NOT NULL
        AND (raw_clear_sessions.visible(s."table") OR pg_has_role(s.owner, 'USAGE'))
        AND NOT EXISTS (
            SELECT FROM raw_clear_sessions.policy AS p
            JOIN pg_class AS c ON c.oid = p."table"
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE format('%I.%I', n.nspname, c.relname) = s.name)
) AS g
UNION ALL
SELECT NULL, 'setting', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    CASE l.kind
        WHEN 'no extension' THEN format(
            'database %I of raw_clear_sessions.databases has no extension raw_clear_sessions: connect to it and CREATE EXTENSION raw_clear_sessions', l.name)
        WHEN 'database' THEN format('database %I of raw_clear_sessions.databases %s', l.name,
            CASE WHEN EXISTS (SELECT FROM pg_database AS d WHERE d.datname = l.name) THEN 'accepts no connections (ALTER DATABASE ... ALLOW_CONNECTIONS)' ELSE 'does not exist' END)
        ELSE format('table %s of raw_clear_sessions.tables %s',
            concat_ws('.', quote_ident(l.schema), quote_ident(l.name)),
            (SELECT CASE
                WHEN bool_or(c.relkind IN ('r', 'p', 'f')) THEN 'is one of PostgreSQL''s own or a temporary one, and not cleared'
                WHEN count(*) > 0 THEN 'is no table in this database, but a relation of another kind'
                ELSE 'does not exist in this database'
            END
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = l.name AND (l.schema IS NULL OR n.nspname = l.schema)))
    END
FROM raw_clear_sessions.listed() AS l
WHERE CASE l.kind
        WHEN 'no extension' THEN true
        WHEN 'database' THEN NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = l.name AND d.datallowconn)
        ELSE NOT EXISTS (
            SELECT FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = l.name AND (l.schema IS NULL OR n.nspname = l.schema) AND c.relkind IN ('r', 'p', 'f')
                AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))
    END
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    coalesce(off.note, 'no table that you may read is scheduled in this database: call raw_clear_sessions_schedule() or set raw_clear_sessions.tables')
FROM off
WHERE NOT EXISTS (SELECT FROM visible);

COMMENT ON VIEW raw_clear_sessions.status IS
    'the tables that the worker clears, when it did and will do so again; where "table" is NULL, something is wrong or missing';
COMMENT ON COLUMN raw_clear_sessions.status."table" IS 'the table; NULL in a row that has only a note';
COMMENT ON COLUMN raw_clear_sessions.status.source IS
    'where it is scheduled: by a policy, or in the setting raw_clear_sessions.tables';
COMMENT ON COLUMN raw_clear_sessions.status.schedule IS 'its own schedule, or that of the setting raw_clear_sessions.schedule';
COMMENT ON COLUMN raw_clear_sessions.status.next_start IS
    'when it is due next, later than the schedule says after failures of its own or of the worker in this database, and now where a run at once has been asked for, also while the worker is paused or rests; NULL if it is off or does not work in this database';
COMMENT ON COLUMN raw_clear_sessions.status.first_start IS 'when the first run began';
COMMENT ON COLUMN raw_clear_sessions.status.last_start IS 'when the last run began';
COMMENT ON COLUMN raw_clear_sessions.status.last_end IS 'when it ended; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.status.last_success IS
    'when the last run ended that came to its end by itself and saw all rows: no limit, no error, no pause, no row-level security';
COMMENT ON COLUMN raw_clear_sessions.status.starts_since_success IS
    'how many starts have been due since the last run that succeeded, or since the policy was made';
COMMENT ON COLUMN raw_clear_sessions.status.cleared_until IS
    'no row is left that had expired before this instant, but those that other transactions were changing during the run, or had changed without renewing them: such a row may be at a place that the run had passed, and the next run reaches it';
COMMENT ON COLUMN raw_clear_sessions.status.last_stop IS 'why the last run ended; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.status.last_deleted IS 'rows that the last run deleted';
COMMENT ON COLUMN raw_clear_sessions.status.last_skipped IS 'expired rows that it left alone because other transactions were changing them';
COMMENT ON COLUMN raw_clear_sessions.status.total_deleted IS
    'rows that all runs have deleted';
COMMENT ON COLUMN raw_clear_sessions.status.runs IS 'runs that have ended, with those that found nothing';
COMMENT ON COLUMN raw_clear_sessions.status.expired_left IS
    'expired rows that the last run left: by a sample where a limit ended it, otherwise those that it skipped; NULL if not known';
COMMENT ON COLUMN raw_clear_sessions.status.failures IS 'runs in a row that failed or left rows out, up to the last one';
COMMENT ON COLUMN raw_clear_sessions.status.last_error IS
    'the last error, which stays here after a success; NULL for roles that may not read the whole table';
COMMENT ON COLUMN raw_clear_sessions.status.last_sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN raw_clear_sessions.status.pid IS 'the process id of the worker that is clearing it now';
COMMENT ON COLUMN raw_clear_sessions.status.waits_for IS 'what a table that is due waits for; NULL: nothing, or it is not due';
COMMENT ON COLUMN raw_clear_sessions.status.note IS 'what is wrong or missing, and what to do about it';
GRANT SELECT ON raw_clear_sessions.status TO PUBLIC;

SELECT raw_clear_sessions.announce();

SET LOCAL search_path = @extschema@, pg_temp;
