-- What there is to clear in this database. Each table is looked at as the preview does, as its owner, in a subtransaction that is
-- rolled back: no lock outlives the look, and a table that is gone or locked fails alone. What is named here is found again by
-- its oid: the schemas may be renamed.

-- Nothing but PostgreSQL's own objects and ours.
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION @extschema@.raw_clear_sessions_find(
    OUT "table" text,
    OUT framework text,
    OUT missing text,
    OUT bytes bigint,
    OUT total_rows bigint,
    OUT expired_rows bigint,
    OUT oldest_expired timestamptz,
    OUT scheduled text,
    OUT call text,
    OUT schedule_call text,
    OUT note text
) RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 100000
SET lock_timeout = '100ms'
BEGIN ATOMIC
    SELECT
        f.name,
        f.framework,
        f.missing,
        (look.preview ->> 'table_bytes')::bigint,
        (look.preview ->> 'total_rows')::bigint,
        -- Without a lifetime, or with several ends, nobody can say what has expired.
        CASE WHEN NOT f.lives_on THEN (look.preview ->> 'expired_rows')::bigint END,
        CASE WHEN NOT f.lives_on THEN (look.preview ->> 'oldest_expired')::timestamptz END,
        s.source || ', ' || s.schedule,
        f.call,
        f.schedule_call,
        CASE
            WHEN look.preview IS NULL THEN 'not looked at: you may not read all of it'
            WHEN look.preview ? 'not_looked_at' THEN 'not looked at: ' || (look.preview ->> 'not_looked_at')
            WHEN look.preview ? 'error' THEN look.preview ->> 'error'
            WHEN f.lives_on THEN 'which rows have expired only the application knows'
            ELSE nullif(concat_ws('; ', 'expired after ' || f.keep, CASE WHEN f.time_zone IS NOT NULL AND f.call LIKE '%time_zone => ''...''%' THEN 'counted as if the application wrote UTC' END), '')
        END
    FROM raw_clear_sessions.found() AS f
        LEFT JOIN raw_clear_sessions.status AS s ON s."table" = f."table"::regclass
        CROSS JOIN LATERAL raw_clear_sessions.look(f."table") AS look (preview)
    ORDER BY coalesce(f.missing LIKE 'that %', false), f.name;
END;

COMMENT ON FUNCTION @extschema@.raw_clear_sessions_find() IS
    'the tables of this database that are, or nearly are, session tables, with the calls that clear and schedule them';

SET LOCAL search_path = @extschema@, pg_temp;
