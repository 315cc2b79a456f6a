-- What the worker does, and is about to do. A role sees the tables that it may read, a monitoring role sees all.

-- As for the tables: nothing but PostgreSQL's own objects and ours, with arguments of exactly their types.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE VIEW @extschema@.raw_clear_sessions_progress AS
SELECT
    r.pid,
    r."table"::regclass AS "table",
    r.phase,
    r.leaf::regclass AS leaf,
    nullif(r.blocks_total, 0) AS blocks_total,
    CASE WHEN r.blocks_total > 0 THEN r.blocks_done END AS blocks_done,
    r.deleted,
    r.skipped,
    r.batches,
    r.waiting
FROM @extschema@.raw_clear_sessions_running() AS r;

COMMENT ON VIEW @extschema@.raw_clear_sessions_progress IS 'the clearings that are running now, if raw_clear_sessions is preloaded';
GRANT SELECT ON @extschema@.raw_clear_sessions_progress TO PUBLIC;

CREATE VIEW @extschema@.raw_clear_sessions_status WITH (security_barrier) AS
WITH scheduled AS (
    SELECT p."table", 'policy' AS source, p.schedule, p.changed
    FROM @extschema@.raw_clear_sessions_policy AS p
    JOIN pg_class AS c ON c.oid = p."table"
    UNION ALL
    SELECT DISTINCT c.oid::regclass, 'setting', NULL::text, NULL::timestamptz
    FROM @extschema@.raw_clear_sessions_listed() AS l
    JOIN pg_class AS c ON c.relname = l.name::name
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.kind = 'table'
        AND (l.schema IS NULL OR n.nspname = l.schema)
        AND c.relkind IN ('r', 'p', 'f')
        AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND NOT EXISTS (SELECT FROM @extschema@.raw_clear_sessions_policy AS p WHERE p."table" = c.oid)
),
visible AS (
    SELECT * FROM scheduled AS s WHERE @extschema@.raw_clear_sessions_visible(s."table"::oid)
),
off AS MATERIALIZED (
    SELECT @extschema@.raw_clear_sessions_worker_off() AS note
)
SELECT
    s."table",
    s.source,
    coalesce(s.schedule, current_setting('raw_clear_sessions.schedule', true)) AS schedule,
    @extschema@.raw_clear_sessions_next_start(
        s."table"::oid, s.schedule, s.changed, last.started, last.ended, failed.count::integer)
        AS next_start,
    last.started AS last_start,
    success.ended AS last_success,
    last.stop AS last_stop,
    last.deleted AS last_deleted,
    total.deleted AS total_deleted,
    failed.count AS failures,
    last_error.error AS last_error,
    last_error.sqlstate AS last_sqlstate,
    running.pid,
    off.note
FROM visible AS s
CROSS JOIN off
LEFT JOIN LATERAL (
    SELECT r.* FROM @extschema@.raw_clear_sessions_run AS r WHERE r."table" = s."table" ORDER BY r.id DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT r.id, r.ended FROM @extschema@.raw_clear_sessions_run AS r
    WHERE r."table" = s."table" AND r.stop NOT IN ('failed', 'interrupted') ORDER BY r.id DESC LIMIT 1
) AS success ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM @extschema@.raw_clear_sessions_run AS r
    WHERE r."table" = s."table" AND r.stop = 'failed' AND r.id > coalesce(success.id, 0)
        -- Who replaces a policy has done something about it.
        AND r.started >= coalesce(s.changed, '-infinity')
) AS failed
LEFT JOIN LATERAL (
    SELECT r.error, r.sqlstate FROM @extschema@.raw_clear_sessions_run AS r
    WHERE r."table" = s."table" AND r.error IS NOT NULL ORDER BY r.id DESC LIMIT 1
) AS last_error ON true
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.deleted), 0)::bigint AS deleted FROM @extschema@.raw_clear_sessions_run AS r WHERE r."table" = s."table"
) AS total
LEFT JOIN @extschema@.raw_clear_sessions_running() AS running ON running.pid = last.pid AND last.ended IS NULL
UNION ALL
SELECT NULL, 'setting', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    CASE l.kind
        WHEN 'database' THEN format('database %I of raw_clear_sessions.databases does not exist', l.name)
        ELSE format('table %s of raw_clear_sessions.tables does not exist in this database',
            concat_ws('.', quote_ident(l.schema), quote_ident(l.name)))
    END
FROM @extschema@.raw_clear_sessions_listed() AS l
WHERE CASE l.kind
        WHEN 'database' THEN NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = l.name)
        ELSE NOT EXISTS (
            SELECT FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = l.name AND (l.schema IS NULL OR n.nspname = l.schema) AND c.relkind IN ('r', 'p', 'f'))
    END
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    coalesce(off.note, 'no table that you may read is scheduled in this database: call raw_clear_sessions_schedule() or set raw_clear_sessions.tables')
FROM off
WHERE NOT EXISTS (SELECT FROM visible);

COMMENT ON VIEW @extschema@.raw_clear_sessions_status IS
    'the tables that the worker clears, when it did and will do so again; where "table" is NULL, something is wrong or missing';
GRANT SELECT ON @extschema@.raw_clear_sessions_status TO PUBLIC;

SELECT @extschema@.raw_clear_sessions_announce();

SET LOCAL search_path = @extschema@, pg_temp;
