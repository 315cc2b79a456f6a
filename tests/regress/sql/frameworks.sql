--
-- The session tables of the frameworks, as they create them: recognized by their columns, cleared without a word more
-- than what only the application knows (how long a session lives, in which zone it writes).
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA frameworks;
SET search_path = frameworks, public;
SET client_min_messages = warning;
SET timezone = 'Europe/Berlin';

-- Every file of logic/frameworks gets a schema of its own. Its head says what the table is recognized as, and what is in
-- it; its first table is the one to clear.
CREATE TABLE files (file text, head text);
\set tables `cd "$PG_ABS_SRCDIR/../../logic/frameworks" && for f in *.sql; do printf "CREATE SCHEMA fw_%s; SET search_path = fw_%s;\nINSERT INTO frameworks.files VALUES (\$\$%s\$\$, \$\$%s\$\$);\n" "${f%.sql}" "${f%.sql}" "${f%.sql}" "$(grep '^--' "$f")"; sed '/^-- rows$/,$d' "$f"; done`
\set ECHO none
:tables
\set ECHO all
SET search_path = frameworks, public;
SELECT count(*) > 30 AS all_loaded FROM files;

-- A row for a table, as JSON: something fitting in each column.
CREATE FUNCTION plain_row("table" regclass, name text, number integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(attname, CASE
        WHEN attname = 'context' THEN to_jsonb('session'::text) -- Phoenix: a session, and no other token
        WHEN typcategory = 'S' THEN to_jsonb(CASE WHEN atttypmod > 4 THEN left(name, atttypmod - 4) ELSE name END)
        WHEN typname = 'bytea' THEN to_jsonb(convert_to(name, 'UTF8'))
        WHEN typname = 'uuid' THEN to_jsonb(md5(name)::uuid)
        WHEN typname IN ('json', 'jsonb') THEN '{}'
        WHEN typcategory = 'N' THEN to_jsonb(number)
        WHEN typcategory = 'D' THEN to_jsonb(now())
        WHEN typcategory = 'B' THEN 'true'
        WHEN typname = 'inet' THEN to_jsonb('::1'::inet) END)
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = "table" AND attnum > 0 AND NOT attisdropped
$$;
CREATE PROCEDURE insert_row("table" regclass, new_row jsonb) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %1$s SELECT * FROM jsonb_populate_record(NULL::%1$s, $1)', "table") USING new_row;
END
$$;

-- Calls the preview, and adds to the parameters what it asks for, one after the other.
CREATE FUNCTION asked_for("table" regclass, OUT preview jsonb, OUT parameters text) LANGUAGE plpgsql AS $$
BEGIN
    parameters := '';
    FOR try IN 1..3 LOOP
        BEGIN
            EXECUTE format('SELECT raw_clear_sessions_preview(%L %s)', "table", parameters) INTO preview;
            RETURN;
        EXCEPTION WHEN invalid_parameter_value THEN
            parameters := parameters || CASE
                WHEN sqlerrm LIKE 'keep is required for %' THEN ', keep => ''5 days'''
                WHEN sqlerrm LIKE 'time_zone is required for %' THEN ', time_zone => ''UTC'''
                ELSE sqlerrm END;
        END;
    END LOOP;
END
$$;

-- Fills the table with a row that expired ten days ago, a live one and, where the column allows for it, one without
-- an end; each with a row in every table that refers to it. Then clears it.
CREATE FUNCTION cleared(file text, OUT expires text, OUT type text, OUT measure text, OUT parameters text, OUT engine text,
    OUT deleted bigint, OUT remaining text, OUT children text, OUT preview jsonb) LANGUAGE plpgsql AS $$
DECLARE
    sessions regclass := (SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = ('fw_' || file)::regnamespace ORDER BY oid LIMIT 1);
    reference record;
    state record;
    new_row jsonb;
    instant timestamptz;
BEGIN
    SELECT asked.preview, asked.parameters INTO preview, parameters FROM asked_for(sessions) AS asked;
    expires := preview ->> 'expires';
    type := preview ->> 'type';
    measure := coalesce(preview ->> 'unit', preview ->> 'time_zone');
    FOR state IN SELECT * FROM (VALUES (1, 'expired', now() - interval '10 days'), (2, 'live', now() + interval '1 day'),
        (3, 'endless', NULL)) AS t(number, name, instant) LOOP
        new_row := plain_row(sessions, state.name, state.number);
        new_row := jsonb_set(new_row, ARRAY[trim('"' FROM expires)], CASE
            WHEN state.instant IS NULL AND preview ->> 'unit' IS NOT NULL THEN '0'
            WHEN state.instant IS NULL THEN '"infinity"'
            WHEN preview ->> 'unit' = 'seconds' THEN to_jsonb(extract(epoch FROM state.instant)::bigint)
            WHEN preview ->> 'unit' = 'milliseconds' THEN to_jsonb((extract(epoch FROM state.instant) * 1000)::bigint)
            WHEN preview ->> 'time_zone' IS NOT NULL THEN to_jsonb(state.instant AT TIME ZONE 'UTC')
            ELSE to_jsonb(state.instant) END);
        CALL insert_row(sessions, new_row);
        FOR reference IN SELECT conrelid::regclass AS child, a.attname AS referring, b.attname AS referred FROM pg_constraint
            JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1]
            JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = confkey[1]
            WHERE contype = 'f' AND confrelid = sessions LOOP
            CALL insert_row(reference.child, jsonb_set(plain_row(reference.child, state.name, state.number),
                ARRAY[reference.referring], new_row -> reference.referred));
            children := reference.child;
        END LOOP;
    END LOOP;
    preview := (SELECT asked.preview FROM asked_for(sessions) AS asked);
    engine := preview ->> 'engine';
    EXECUTE format('SELECT raw_clear_sessions(%L %s)', sessions, parameters) INTO deleted;
    -- by where they were inserted
    EXECUTE format($f$SELECT string_agg((ARRAY['expired', 'live', 'endless'])[substring(ctid::text FROM ',(\d+)')::integer],
        ', ' ORDER BY ctid) FROM %s AS t$f$, sessions) INTO remaining;
    IF children IS NOT NULL THEN
        EXECUTE format('SELECT %L || '' '' || count(*) FROM %s', regexp_replace(children, '.*\.', ''), children) INTO children;
    END IF;
END
$$;
CREATE FUNCTION said(head text, key text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(substring(head FROM '(?n)^-- ' || key || ': ((?:.*\n--   )*.*)$'), '\n--  ', '', 'g')
$$;
CREATE TABLE outcome AS SELECT file, head, cleared.* FROM files, cleared(file) ORDER BY file;
-- Each is recognized as its file says, with the column, the unit, the zone and the note that stand there; what has to be
-- given is the zone and the lifetime that only the application knows; and what is deleted is the expired session, and what
-- belongs to it.
SELECT count(*) FILTER (WHERE parameters = '') > 30 AS many_need_no_parameter, count(*) FILTER (WHERE parameters ~ 'keep') > 10 AS many_need_keep,
    count(*) FILTER (WHERE parameters ~ 'time_zone') > 3 AS many_need_time_zone, count(note) > 5 AS many_have_notes
FROM outcome, said(head, 'note') AS note;
SELECT file, found.*, says.* FROM outcome, said(head, 'note') AS note, LATERAL (
    SELECT preview ->> 'framework', concat_ws(', ', trim('"' FROM expires), measure), parameters, deleted, remaining, engine, note IS NULL OR preview -> 'warnings' ? note
    ) AS found(recognized_as, expires, parameters, deleted, remaining, engine, noted), LATERAL (
    SELECT said(head, 'recognized as'), replace(said(head, 'expires'), 'any zone', 'UTC'), concat(
            CASE WHEN said(head, 'since') IS NOT NULL THEN ', keep => ''5 days''' END,
            CASE WHEN said(head, 'expires') ~ 'any zone' THEN ', time_zone => ''UTC''' END),
        1::bigint, 'live, endless', CASE WHEN children IS NULL AND said(head, 'filter') IS NULL THEN 'raw' ELSE 'sql' END, true
    ) AS says
WHERE found IS DISTINCT FROM says;
-- With it goes what belongs to it, where that is in another table; of three rows there two stay.
SELECT count(children) > 2 AS some_have_children, bool_and(children ~ ' 2$') AS theirs_are_gone FROM outcome;
-- What somebody who is about to clear such a table should know, besides
SELECT file, warning FROM outcome, jsonb_array_elements_text(preview -> 'warnings') AS warning
WHERE warning NOT LIKE 'no index %' AND warning IS DISTINCT FROM said(head, 'note') ORDER BY file;

-- Phoenix keeps other tokens in the same table, which have other lifetimes: they stay, unless the caller says otherwise.
CALL insert_row('fw_phoenix.users_tokens', jsonb_build_object('id', 9, 'user_id', 1, 'token', '\x00', 'context', 'reset_password',
    'inserted_at', '2001-01-01'));
SELECT raw_clear_sessions('fw_phoenix.users_tokens', keep => '14 days');
-- Nor do they go where the column is named that it goes by anyhow.
SELECT raw_clear_sessions('fw_phoenix.users_tokens', expires => 'inserted_at', keep => '14 days', time_zone => 'UTC');
SELECT raw_clear_sessions('fw_phoenix.users_tokens', expires => 'inserted_at', keep => '14 days', time_zone => 'UTC', filter => 'user_id = 1');
SELECT raw_clear_sessions('fw_phoenix.users_tokens', keep => '1 day', filter => $$context = 'reset_password'$$);
-- It writes UTC, and so is cleared by no other clock.
SELECT test.refusal($$raw_clear_sessions('fw_phoenix.users_tokens', keep => '14 days', time_zone => 'Asia/Tokyo')$$);
SELECT raw_clear_sessions('fw_phoenix.users_tokens', keep => '14 days', time_zone => 'etc/utc');

-- Symfony 4.3 and before wrote the lifetime in seconds where the later ones write the instant.
INSERT INTO fw_symfony.sessions SELECT 'of 4.3 ' || state, '', 1440, extract(epoch FROM instant)
FROM (VALUES ('expired', now() - interval '1 day'), ('live', now())) AS t(state, instant);
SELECT test.refusal($$raw_clear_sessions('fw_symfony.sessions')$$);
DELETE FROM fw_symfony.sessions WHERE sess_id NOT LIKE 'of 4.3%';
SELECT raw_clear_sessions('fw_symfony.sessions', expires => 'sess_time + sess_lifetime', unit => 'seconds', keep => '0');
SELECT sess_id FROM fw_symfony.sessions;
-- However long that lifetime is, whatever reads it: nothing that would be before 2000 is an instant.
CREATE TABLE lives (LIKE fw_symfony.sessions);
CREATE FUNCTION refusals_of_a_lifetime(lifetime integer, call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM lives;
    INSERT INTO lives VALUES ('live', '', lifetime, extract(epoch FROM now()));
    RETURN QUERY SELECT * FROM test.refusal(call, 'SELECT count(*) FROM frameworks.lives') AS line WHERE line !~ '^(DETAIL|HINT)';
END
$$;
SELECT refusals_of_a_lifetime(lifetime, call) AS refusals FROM unnest(ARRAY[1, 2592000, 31536000, 315360000, 315576000, 946684799]) AS lifetime,
    unnest(ARRAY[$$raw_clear_sessions('lives')$$, $$raw_clear_sessions_rewrite('lives')$$,
        $$raw_clear_sessions('lives', expires => 'sess_lifetime', keep => '0', unit => 'seconds')$$]) AS call;
CALL raw_clear_sessions_in_batches('lives');
SELECT count(*) FROM lives;
-- In a table with rows of both kinds no row of the older one is taken for an instant.
INSERT INTO fw_symfony.sessions VALUES ('live for ten years', '', 315360000, extract(epoch FROM now())), ('of 4.4', '', 1577836800, 1577836800);
SELECT test.refusal($$raw_clear_sessions('fw_symfony.sessions')$$, 'SELECT count(*) FROM fw_symfony.sessions');
SELECT raw_clear_sessions('fw_symfony.sessions', unit => 'seconds', keep => '0',
    expires => 'CASE WHEN sess_lifetime > 315576000 THEN sess_lifetime ELSE sess_time + sess_lifetime END');
SELECT sess_id FROM fw_symfony.sessions;

-- A model of one's own adds columns, where its name says what it is; a domain counts as its base type.
CREATE DOMAIN key AS varchar(40);
CREATE TABLE own_session (session_key key, session_data text, expire_date timestamptz(3), account_id integer, created timestamptz);
SELECT raw_clear_sessions_preview('own_session') ->> 'framework' AS framework;
ALTER TABLE own_session RENAME TO archive;
SELECT test.refusal($$raw_clear_sessions('archive')$$);
-- The columns of another type, or those of a common other table, are not enough.
CREATE TABLE not_django (session_key varchar(40), session_data text, expire_date date);
CREATE TABLE api_key (id text, user_id text, expires_at timestamptz, scope text);
SELECT test.refusal($$raw_clear_sessions('not_django')$$) UNION ALL SELECT test.refusal($$raw_clear_sessions('api_key')$$);

\set VERBOSITY terse
DO $$
BEGIN
    EXECUTE (SELECT string_agg(format('DROP SCHEMA fw_%s CASCADE;', file), ' ') FROM frameworks.files);
END
$$;
DROP SCHEMA frameworks CASCADE;
