-- What there is to clear in this database. Each table is looked at by the preview, as its owner, in a subtransaction that is
-- rolled back: no lock outlives the look, and a table that is gone or locked fails alone.

CREATE FUNCTION raw_clear_sessions_find(
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
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
    found record;
    preview jsonb;
BEGIN
    FOR found IN
        SELECT f.*, s.source, s.schedule
        FROM raw_clear_sessions.found() AS f
        LEFT JOIN raw_clear_sessions.status AS s ON s."table" = f."table"::regclass
        ORDER BY coalesce(f.missing LIKE 'that %', false), f.name
    LOOP
        preview := NULL;
        note := NULL;
        BEGIN
            preview := raw_clear_sessions.look(found."table");
            IF preview IS NULL THEN
                note := 'not looked at: you may not read all of it';
            ELSIF preview ? 'not_looked_at' THEN
                note := 'not looked at: ' || (preview ->> 'not_looked_at');
                preview := NULL;
            END IF;
            RAISE SQLSTATE 'RCS00';
        EXCEPTION
            WHEN SQLSTATE 'RCS00' THEN
                NULL;
            WHEN OTHERS THEN
                note := format('%s: %s', sqlstate, sqlerrm);
        END;
        "table" := found.name;
        framework := found.framework;
        missing := found.missing;
        bytes := (preview ->> 'table_bytes')::bigint;
        total_rows := (preview ->> 'total_rows')::bigint;
        -- Without a lifetime, or with several ends, nobody can say what has expired.
        expired_rows := CASE WHEN NOT found.lives_on THEN (preview ->> 'expired_rows')::bigint END;
        oldest_expired := CASE WHEN NOT found.lives_on THEN (preview ->> 'oldest_expired')::timestamptz END;
        scheduled := found.source || ', ' || found.schedule;
        call := found.call;
        schedule_call := found.schedule_call;
        IF preview IS NOT NULL AND found.keep IS NOT NULL THEN
            note := format('expired after %s', found.keep);
        ELSIF preview IS NOT NULL AND found.lives_on THEN
            note := 'which rows have expired only the application knows';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION raw_clear_sessions_find() IS
    'the tables of this database that are, or nearly are, session tables, with the calls that clear and schedule them';
