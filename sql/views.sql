-- What the worker does, and is about to do. A role sees the tables that it may read, a monitoring role sees all.

-- As for the tables: nothing but PostgreSQL's own objects and ours, with arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

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
    'initializing, scanning heap, scanning index, deleting by SQL, finding expired rows, rewriting, rebuilding indexes, or vacuuming';
COMMENT ON COLUMN raw_clear_sessions.progress.leaf IS 'the partition that it is at, or the table itself';
COMMENT ON COLUMN raw_clear_sessions.progress.blocks_total IS
    'blocks to read, of all partitions that are read by blocks; NULL if there are none';
COMMENT ON COLUMN raw_clear_sessions.progress.blocks_done IS 'blocks read';
COMMENT ON COLUMN raw_clear_sessions.progress.percent IS
    'share of the blocks that has been read; NULL where reading them is not all that there is to do';
COMMENT ON COLUMN raw_clear_sessions.progress.deleted IS 'rows deleted so far';
COMMENT ON COLUMN raw_clear_sessions.progress.skipped IS
    'expired rows left alone so far because somebody else was changing them';
COMMENT ON COLUMN raw_clear_sessions.progress.batches IS 'transactions that have deleted rows so far';
COMMENT ON COLUMN raw_clear_sessions.progress.waiting IS
    'what it waits for between two transactions: cost delay, or replication lag';
COMMENT ON COLUMN raw_clear_sessions.progress.started IS 'when it began';
COMMENT ON COLUMN raw_clear_sessions.progress.estimated_end IS
    'when it will have ended if it goes on at the pace so far, or when a limit ends it; NULL where that cannot be known';
GRANT SELECT ON raw_clear_sessions.progress TO PUBLIC;

CREATE VIEW raw_clear_sessions.status WITH (security_barrier) AS
WITH scheduled AS (
    SELECT p."table", 'policy' AS source, p.schedule, p.changed
    FROM raw_clear_sessions.policy AS p
    -- By the catalog cache: Citus hides the tables of its shards from a scan of pg_class.
    WHERE pg_table_is_visible(p."table") IS NOT NULL
    UNION ALL
    SELECT DISTINCT c.oid::regclass, 'setting' AS source, NULL::text, NULL::timestamptz
    FROM raw_clear_sessions.listed() AS l
    JOIN pg_class AS c ON c.relname = l.name::name
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.kind = 'table'
        AND (l.schema IS NULL OR n.nspname = l.schema)
        AND c.relkind IN ('r', 'p', 'f')
        AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND NOT EXISTS (SELECT FROM raw_clear_sessions.policy AS p WHERE p."table" = c.oid)
),
visible AS (
    SELECT * FROM scheduled AS s WHERE raw_clear_sessions.visible(s."table"::oid)
),
off AS MATERIALIZED (
    SELECT raw_clear_sessions.worker_off() AS note
)
SELECT
    s."table",
    s.source,
    coalesce(s.schedule, current_setting('raw_clear_sessions.schedule', true)) AS schedule,
    raw_clear_sessions.next_start(
        s."table"::oid, s.schedule, s.changed, last.started, last.ended, failed.count::integer)
        AS next_start,
    last.started AS last_start,
    success.ended AS last_success,
    -- Counted from the last success, or from when it was first to be cleared; nobody can tell the latter of a setting.
    raw_clear_sessions.starts_since(s.schedule, coalesce(greatest(success.started, s.changed), first.started))
        AS starts_since_success,
    done.started AS cleared_until,
    last.stop AS last_stop,
    last.deleted AS last_deleted,
    ended.expired_left AS expired_left,
    total.deleted AS total_deleted,
    failed.count AS failures,
    last_error.error AS last_error,
    last_error.sqlstate AS last_sqlstate,
    running.pid,
    off.note
FROM visible AS s
CROSS JOIN off
LEFT JOIN LATERAL (
    SELECT r.* FROM raw_clear_sessions.run AS r WHERE r."table" = s."table" ORDER BY r.id DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT r.id, r.started, r.ended FROM raw_clear_sessions.run AS r
    WHERE r."table" = s."table" AND r.stop NOT IN ('failed', 'interrupted') ORDER BY r.id DESC LIMIT 1
) AS success ON true
-- Whoever replaces a policy may have changed what is expired.
LEFT JOIN LATERAL (
    SELECT r.started FROM raw_clear_sessions.run AS r
    WHERE r."table" = s."table" AND r.stop = 'done' AND r.started >= coalesce(s.changed, '-infinity') ORDER BY r.id DESC LIMIT 1
) AS done ON true
LEFT JOIN LATERAL (
    SELECT (r.details ->> 'expired_left')::bigint AS expired_left FROM raw_clear_sessions.run AS r
    WHERE r."table" = s."table" AND r.ended IS NOT NULL ORDER BY r.id DESC LIMIT 1
) AS ended ON true
LEFT JOIN LATERAL (
    SELECT r.started FROM raw_clear_sessions.run AS r WHERE r."table" = s."table" ORDER BY r.id LIMIT 1
) AS first ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM raw_clear_sessions.run AS r
    WHERE r."table" = s."table" AND r.stop = 'failed' AND r.id > coalesce(success.id, 0)
        -- Who replaces a policy has done something about it.
        AND r.started >= coalesce(s.changed, '-infinity')
) AS failed
LEFT JOIN LATERAL (
    SELECT r.error, r.sqlstate FROM raw_clear_sessions.run AS r
    WHERE r."table" = s."table" AND r.error IS NOT NULL ORDER BY r.id DESC LIMIT 1
) AS last_error ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.deleted), 0)::bigint AS deleted FROM raw_clear_sessions.run AS r WHERE r."table" = s."table"
) AS total
LEFT JOIN raw_clear_sessions.running() AS running ON running.pid = last.pid AND last.ended IS NULL
UNION ALL
SELECT NULL, 'setting', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    CASE l.kind
        WHEN 'database' THEN format('database %I of raw_clear_sessions.databases does not exist', l.name)
        ELSE format('table %s of raw_clear_sessions.tables does not exist in this database',
            concat_ws('.', quote_ident(l.schema), quote_ident(l.name)))
    END
FROM raw_clear_sessions.listed() AS l
WHERE CASE l.kind
        WHEN 'database' THEN NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = l.name)
        ELSE NOT EXISTS (
            SELECT FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = l.name AND (l.schema IS NULL OR n.nspname = l.schema) AND c.relkind IN ('r', 'p', 'f'))
    END
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
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
    'when it is due next, later than the schedule says after failures; NULL if the worker is off';
COMMENT ON COLUMN raw_clear_sessions.status.last_start IS 'when the last run began';
COMMENT ON COLUMN raw_clear_sessions.status.last_success IS
    'when the last run ended that neither failed nor was interrupted';
COMMENT ON COLUMN raw_clear_sessions.status.starts_since_success IS
    'how many starts have been due since the last run that succeeded, or since the policy was made';
COMMENT ON COLUMN raw_clear_sessions.status.cleared_until IS
    'the instant of which no older expired row is left but those that somebody was changing';
COMMENT ON COLUMN raw_clear_sessions.status.last_stop IS 'why the last run ended; NULL while it is running';
COMMENT ON COLUMN raw_clear_sessions.status.last_deleted IS 'rows that the last run deleted';
COMMENT ON COLUMN raw_clear_sessions.status.total_deleted IS
    'rows that all runs deleted, as far back as raw_clear_sessions.run goes';
COMMENT ON COLUMN raw_clear_sessions.status.expired_left IS
    'how many expired rows the last run left, by a sample where a limit ended it; 0 where it ended by itself';
COMMENT ON COLUMN raw_clear_sessions.status.failures IS 'failed runs since the last success';
COMMENT ON COLUMN raw_clear_sessions.status.last_error IS 'the last error, which stays here after a success';
COMMENT ON COLUMN raw_clear_sessions.status.last_sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN raw_clear_sessions.status.pid IS 'the process id of the worker that is clearing it now';
COMMENT ON COLUMN raw_clear_sessions.status.note IS 'what is wrong or missing, and what to do about it';
GRANT SELECT ON raw_clear_sessions.status TO PUBLIC;

SELECT raw_clear_sessions.announce();

SET LOCAL search_path = @extschema@, pg_temp;
