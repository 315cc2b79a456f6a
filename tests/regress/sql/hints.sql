--
-- Whoever follows a HINT deletes no live row: on every table of every framework, and on those that only look like one's,
-- each with a live row in it, every call is made that a HINT shows, and every call that the HINT of that one shows.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA hints;
CREATE SCHEMA "It's ""another""";
CREATE SCHEMA lookalikes;
SET search_path = hints, public;
SET client_min_messages = warning;
SET timezone = 'America/New_York';

\set ECHO none
CREATE TABLE files (file text, head text, endless text);
\set tables `cd "$PG_ABS_SRCDIR/../../logic/frameworks" && for f in *.sql; do printf "CREATE SCHEMA live_%s; SET search_path = live_%s;\nINSERT INTO hints.files VALUES (\$\$%s\$\$, \$\$%s\$\$, \$\$%s\$\$);\n" "${f%.sql}" "${f%.sql}" "${f%.sql}" "$(grep '^--' "$f")" "$(sed -n '/^-- endless/,$p' "$f")"; sed '/^-- rows$/,$d' "$f"; done`
:tables
SET search_path = lookalikes;
\set shapes :srcdir '/../shapes/lookalikes.sql'
\i :shapes
\set ECHO all
SET search_path = hints, public;

-- What the file of a framework says of its table: its column, whether that is naive and in UTC, whether a lifetime is
-- needed and which is usual, whether a zone is.
CREATE FUNCTION said("table" regclass, OUT expires text, OUT writes_utc boolean, OUT since boolean, OUT usually text, OUT any_zone boolean) LANGUAGE sql AS $$
    SELECT substring(head FROM '\n-- expires: (\w+)'), coalesce(head ~ '\n-- expires: \w+, UTC', false), coalesce(head ~ '\n-- since: ', false),
        substring(head FROM '\n-- since: [^\n]*, usually ([^\n]*)'), coalesce(head ~ '\n-- expires: \w+, any zone', false)
    FROM pg_class LEFT JOIN hints.files ON relnamespace::regnamespace::text = 'live_' || file WHERE pg_class.oid = "table"
$$;

-- A row of a minute ago that lives for an hour yet, however its columns are read: as instants, or as numbers in a unit,
-- with the clock of New York unless the framework is known to write UTC. Or one that has been over for ten years.
CREATE FUNCTION insert_row("table" regclass, unit bigint, lives boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    as_json jsonb := (SELECT jsonb_object_agg(attname, CASE
        WHEN typcategory = 'D' OR typcategory = 'N' AND says_time THEN (
            SELECT CASE WHEN typcategory = 'N' THEN to_jsonb(trunc(extract(epoch FROM instant) * CASE WHEN typname = 'int4' THEN 1 ELSE unit END))
                WHEN typname = 'timestamptz' THEN to_jsonb(instant) ELSE to_jsonb(instant AT TIME ZONE CASE WHEN utc THEN 'UTC' ELSE 'America/New_York' END) END
            FROM (SELECT CASE WHEN NOT lives THEN now() - interval '10 years' WHEN ends THEN now() + interval '1 hour' ELSE now() - interval '1 minute' END) AS t(instant))
        WHEN attname = 'context' THEN '"session"'
        WHEN typname = '_text' THEN '["{}"]'
        WHEN typcategory = 'S' THEN to_jsonb(CASE WHEN atttypmod > 4 THEN left('live', atttypmod - 4) ELSE 'live' END)
        WHEN typname = 'bytea' THEN to_jsonb('\x00'::bytea)
        WHEN typname = 'uuid' THEN to_jsonb(md5('')::uuid)
        WHEN typname IN ('json', 'jsonb') THEN '{}'
        WHEN typcategory = 'N' THEN '1800'
        WHEN typcategory = 'B' THEN 'true'
        WHEN typname = 'inet' THEN '"::1"' END)
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid, hints.said("table") AS said,
        LATERAL (SELECT attname ~* 'expir|until|not_?after|due|end|next_|disappears|sess_lifetime|^e$|^exp|timeout' AND NOT (since AND attname = expires),
            attname ~* 'expir|until|not_?after|activ|access|time|creat|updat|modif|seen|visit|check|_at$|start|refresh|^e$|changed' AND attname !~* 'interval|_in$|sin$|seconds|hours|_days|_after$|max_|count|_by$|_id$',
            said.writes_utc) AS t(ends, says_time, utc)
    WHERE attrelid = "table" AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format('DELETE FROM %s', "table");
    EXECUTE format('INSERT INTO %1$s SELECT * FROM jsonb_populate_record(NULL::%1$s, $1)', "table") USING as_json;
END
$$;

-- The call with what the caller has to fill in: an hour's lifetime or another, the clock by which the rows have been written,
-- and, where one is set, a condition.
CREATE FUNCTION filled_in("table" regclass, call text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(replace(replace(replace(replace(call, 'keep => ''...''', format('keep => %L', coalesce(nullif(current_setting('hints.keep', true), ''), '1 hour'))),
        'unit => ''...''', 'unit => ''seconds'''), '''1 ...''', '''1 second'''), 'time_zone => ''...''', format('time_zone => %L', CASE WHEN writes_utc THEN 'UTC' ELSE 'America/New_York' END)),
        '(filter => ''(.* AND )?)\.\.\.', '\1' || coalesce(nullif(current_setting('hints.filter', true), ''), '...')) FROM hints.said("table")
$$;

-- Makes a call, and the calls that its HINT shows, until there is no more to follow: with what has to be filled in, or as
-- they stand there.
CREATE FUNCTION follow("table" regclass, call text, fill_in boolean, OUT followed text, OUT deleted bigint, OUT said text) LANGUAGE plpgsql AS $$
BEGIN
    FOR depth IN 1..9 LOOP
        BEGIN
            deleted := NULL;
            EXECUTE 'SELECT ' || call INTO deleted;
            RETURN;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT;
            said := coalesce(substring(said FROM 'SELECT (raw_clear_sessions\(.*\));'), '');
            IF said = '' OR said = call THEN
                RETURN;
            END IF;
            followed := CASE WHEN fill_in THEN hints.filled_in("table", said) ELSE said END;
            call := followed;
        END;
    END LOOP;
END
$$;

CREATE TABLE session_tables AS
SELECT DISTINCT ON (nspname, CASE WHEN nspname = 'lookalikes' THEN c.oid END) c.oid::regclass AS "table", nspname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind = 'r' AND (nspname LIKE 'live\_%' OR nspname = 'lookalikes') ORDER BY nspname, CASE WHEN nspname = 'lookalikes' THEN c.oid END, c.oid;

-- Without a word more, and with each of the columns named, with and without a unit or a zone.
CREATE TABLE calls AS
SELECT "table", format('raw_clear_sessions(%L%s%s)', "table", named, said) AS call
FROM session_tables, LATERAL (
    SELECT '' AS named, 'N' AS typcategory UNION ALL
    SELECT format(', expires => %L', quote_ident(attname)), typcategory FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = "table" AND attnum > 0 AND typcategory IN ('D', 'N')) AS n,
    unnest(ARRAY['', ', unit => ''seconds''', ', unit => ''milliseconds''']) AS said
WHERE said = '' OR typcategory = 'N';
CREATE FUNCTION outcomes() RETURNS TABLE (call text, followed text, deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT c."table", c.call, u.unit FROM hints.calls AS c, unnest(ARRAY[1, 1000]) AS u(unit) LOOP
        PERFORM hints.insert_row(one."table", one.unit, true);
        SELECT one.call, f.followed, f.deleted INTO call, followed, deleted FROM hints.follow(one."table", one.call, true) AS f;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TABLE outcome AS SELECT * FROM outcomes();
SELECT count(*) > 500 AS many_calls, count(followed) > 300 AS many_followed FROM outcome;
-- None of them deletes a live row.
SELECT DISTINCT call, followed, deleted FROM outcome WHERE deleted > 0 ORDER BY 1, 2;
-- Nor does a call that raw_clear_sessions_find shows.
CREATE TABLE shown AS SELECT s."table", filled_in(s."table", substring(f.call FROM 'SELECT (.*);')) AS call
FROM raw_clear_sessions_find() AS f JOIN session_tables AS s ON s."table" = f."table"::regclass;
CREATE FUNCTION shown_outcomes() RETURNS TABLE (call text, deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT s."table", s.call, u.unit FROM hints.shown AS s, unnest(ARRAY[1, 1000]) AS u(unit) LOOP
        PERFORM hints.insert_row(one."table", one.unit, true);
        SELECT one.call, f.deleted INTO call, deleted FROM hints.follow(one."table", one.call, true) AS f;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TABLE shown_outcome AS SELECT * FROM shown_outcomes();
SELECT count(*) > 150 AS many_shown, count(deleted) > 150 AS many_work FROM shown_outcome;
SELECT * FROM shown_outcome WHERE deleted > 0 ORDER BY 1;
-- Of a table of which nobody has said what its rows are, none deletes any row as it stands there, also not where something
-- else has been said. A column that is named says that a row is worth nothing after it.
CREATE TABLE copied AS
SELECT "table", format('raw_clear_sessions(%L%s)', "table", said) AS call FROM session_tables, unnest(ARRAY['', ', keep => ''1 day''',
    ', filter => ''true''', ', keep => ''0'', filter => ''true''', ', expires => ''no_such_column''', ', time_zone => ''UTC''',
    ', unit => ''seconds''', ', unit => ''milliseconds'', keep => ''0''']) AS said WHERE nspname = 'lookalikes'
UNION ALL
SELECT s."table", substring(f.call FROM 'SELECT (.*);')
FROM raw_clear_sessions_find() AS f JOIN session_tables AS s ON s."table" = f."table"::regclass WHERE nspname = 'lookalikes';
CREATE FUNCTION copied_outcomes() RETURNS TABLE (call text, followed text, deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT c."table", c.call, u.unit FROM hints.copied AS c, unnest(ARRAY[1, 1000]) AS u(unit) LOOP
        PERFORM hints.insert_row(one."table", one.unit, false);
        SELECT one.call, f.followed, f.deleted INTO call, followed, deleted FROM hints.follow(one."table", one.call, false) AS f;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE TABLE copied_outcome AS SELECT * FROM copied_outcomes();
SELECT count(*) > 800 AS many_copied, count(followed) > 400 AS many_followed FROM copied_outcome;
SELECT DISTINCT call, followed, deleted FROM copied_outcome WHERE deleted > 0 ORDER BY 1, 2;
-- What is recognized needs no more said than what its framework leaves open.
SELECT count(*) > 30 AS many_ready FROM raw_clear_sessions_find()
WHERE missing IS NULL AND call = format('SELECT raw_clear_sessions(%L);', "table") AND "table" LIKE 'live\_%';
-- No look-alike is recognized.
SELECT "table" FROM session_tables JOIN outcome ON call = format('raw_clear_sessions(%L)', "table")
WHERE nspname = 'lookalikes' AND deleted IS NOT NULL AND followed IS NULL;
-- A row that is over by its framework's instant, or in a table that only looks like one's, and that a column of the site's keeps.
-- No call that is shown deletes it as it stands there, nor with the lifetime and the zone filled in.
CREATE FUNCTION lacking(name text) RETURNS SETOF session_tables LANGUAGE sql AS $$
    SELECT * FROM hints.session_tables AS s WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = s."table" AND attname = name)
$$;
CREATE FUNCTION kept_outcomes(name text, type text, value text) RETURNS TABLE (added text, call text, followed text, deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    one record;
    shown jsonb;
    lacking jsonb := (SELECT jsonb_agg("table") FROM hints.lacking(name));
BEGIN
    EXECUTE (SELECT string_agg(format('ALTER TABLE %s ADD COLUMN %I %s;', "table", name, type), ' ') FROM jsonb_array_elements_text(lacking) AS "table");
    shown := (SELECT jsonb_object_agg(f."table"::regclass, substring(f.call FROM 'SELECT (.*);')) FROM raw_clear_sessions_find() AS f WHERE f.call IS NOT NULL);
    FOR one IN SELECT "table", head, fill_in FROM session_tables LEFT JOIN files ON nspname = 'live_' || file, unnest(ARRAY[false, true]) AS fill_in
        WHERE lacking ? "table"::text LOOP
        PERFORM hints.insert_row(one."table", CASE WHEN one.head ~ '\n-- expires: \w+, milliseconds' THEN 1000 ELSE 1 END, false);
        EXECUTE format('UPDATE %s SET %I = %s', one."table", name, value);
        added := name;
        FOR call IN SELECT format('raw_clear_sessions(%L)', one."table") UNION SELECT shown ->> one."table"::text LOOP
            SELECT f.followed, f.deleted INTO followed, deleted FROM hints.follow(one."table", call, one.fill_in) AS f;
            RETURN NEXT;
        END LOOP;
    END LOOP;
    EXECUTE (SELECT string_agg(format('ALTER TABLE %s DROP COLUMN %I;', "table", name), ' ') FROM jsonb_array_elements_text(lacking) AS "table");
END
$$;
CREATE TABLE kept_outcome AS SELECT outcome.* FROM (VALUES ('refresh_until', 'timestamptz', 'now() + interval ''1 hour'''), ('extendedTo', 'timestamp', '''2100-01-01'''),
    ('good_through', 'date', '''2100-01-01'''), ('grace_seconds', 'integer', '2000000000'), ('extension', 'interval', '''90 years'''), ('legal_hold', 'boolean', 'true'),
    ('pinned_at', 'timestamptz', 'now()'), ('never_expires', 'boolean', 'true'), ('revalidate_by', 'timestamptz', '''2100-01-01'''), ('auto_renew', 'boolean', 'true'), ('refresh_token', 'text', '''secret'''), ('price', 'numeric', '9.90')) AS c(name, type, value),
    kept_outcomes(name, type, value) AS outcome;
SELECT count(*) > 1500 AS many_calls, count(followed) > 700 AS many_followed FROM kept_outcome;
SELECT * FROM kept_outcome WHERE deleted > 0 ORDER BY 1, 2;
-- A row that never ends by its framework, in whose table a column of the site's holds another end, which is over. However the
-- calls that are shown are filled in, it stays.
CREATE TABLE ending AS SELECT 1 AS number, 'over' AS name, timestamptz '2001-01-01' AS ends LIMIT 0;
CREATE FUNCTION endless_outcomes() RETURNS TABLE (file text, keep text, filter text, call text, followed text, lost bigint) LANGUAGE plpgsql AS $$
DECLARE
    one record;
    shown jsonb;
    before bigint;
BEGIN
    FOR one IN SELECT "table", nspname, files.endless, files.file FROM session_tables JOIN files ON nspname = 'live_' || files.file WHERE files.endless <> '' LOOP
        EXECUTE format('DELETE FROM %s', one."table");
        PERFORM set_config('search_path', one.nspname || ', hints, public', false);
        EXECUTE one.endless;
        EXECUTE format('ALTER TABLE %s ADD COLUMN refresh_until timestamptz DEFAULT ''2001-01-01''', one."table");
    END LOOP;
    SET search_path = hints, public;
    shown := (SELECT jsonb_object_agg(f."table"::regclass, substring(f.call FROM 'SELECT (.*);')) FROM raw_clear_sessions_find() AS f WHERE f.call IS NOT NULL);
    FOR one IN SELECT "table", files.file FROM session_tables JOIN files ON nspname = 'live_' || files.file WHERE files.endless <> '' AND head !~ '\n-- further: none' LOOP
        file := one.file;
        FOREACH keep IN ARRAY ARRAY['1 hour', '0'] LOOP
            FOREACH filter IN ARRAY ARRAY['refresh_until < now()', 'refresh_until IS NOT NULL', 'true'] LOOP
                PERFORM set_config('hints.keep', keep, false), set_config('hints.filter', filter, false);
                FOR call IN SELECT format('raw_clear_sessions(%L)', one."table") UNION SELECT hints.filled_in(one."table", shown ->> one."table"::text) LOOP
                    EXECUTE format('SELECT count(*) FROM %s', one."table") INTO before;
                    SELECT f.followed INTO followed FROM hints.follow(one."table", call, true) AS f;
                    EXECUTE format('SELECT $1 - count(*) FROM %s', one."table") INTO lost USING before;
                    RETURN NEXT;
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
    PERFORM set_config('hints.keep', '', false), set_config('hints.filter', '', false);
    EXECUTE (SELECT string_agg(format('ALTER TABLE %s DROP COLUMN refresh_until;', "table"), ' ') FROM session_tables JOIN files ON nspname = 'live_' || files.file WHERE files.endless <> '');
END
$$;
CREATE TABLE endless_outcome AS SELECT * FROM endless_outcomes();
SELECT count(*) > 80 AS many_calls, count(followed) > 40 AS many_followed FROM endless_outcome;
SELECT * FROM endless_outcome WHERE lost > 0 ORDER BY 1, 2, 3;
-- Every framework's own table is, or what is asked for is what its file leaves open.
DO $$
BEGIN
    EXECUTE (SELECT string_agg(format('DELETE FROM %s;', "table"), ' ') FROM session_tables);
END
$$;
CREATE TABLE asked AS SELECT file, "table", said.*, (SELECT string_agg(line, ' ') FROM test.refusal(format('raw_clear_sessions(%L)', "table")) AS line) AS line
FROM session_tables JOIN files ON nspname = 'live_' || file, said("table");
SELECT count(*) FILTER (WHERE since) > 10 AS many_need_keep, count(*) FILTER (WHERE any_zone) > 3 AS many_need_time_zone FROM asked;
SELECT file, line FROM asked WHERE line !~ CASE
    WHEN since THEN concat('^22023: keep is required for .* HINT:  Pass (the lifetime that the application has|for how long the application may hold a later use)', ' \(' || usually || ' if nothing was set\)', ': SELECT .*, keep => ''\.\.\.''\);$')
    WHEN any_zone THEN '^22023: time_zone is required for .* HINT:  Pass the zone .*: SELECT .*, time_zone => ''\.\.\.''\);$'
    ELSE '^NOT REFUSED: 0$' END ORDER BY file;

-- Calls that are refused, what their HINTs show, and what that does: one expired row goes, or something is to be filled in.
SET timezone = 'UTC';
CREATE TABLE tokens (id integer, user_id integer, created date, valid_until timestamptz);
INSERT INTO tokens VALUES (1, 1, '2001-01-01', '2001-01-01');
CREATE TABLE visits (id integer, last_seen timestamp);
INSERT INTO visits VALUES (1, '2001-01-01');
CREATE TABLE counters (id integer, valid_to bigint);
INSERT INTO counters VALUES (1, 1000000000);
CREATE TABLE rails_sessions (session_id text, data text, created_at timestamp, updated_at timestamp);
INSERT INTO rails_sessions VALUES ('old', '', '2001-01-01', '2001-01-01');
CREATE TABLE express (sid varchar, sess json, expire timestamp(6));
INSERT INTO express VALUES ('old', '{}', '2001-01-01');
CREATE TABLE millis (id integer, "expiresAt" bigint);
INSERT INTO millis VALUES (1, extract(epoch FROM now() - interval '2 days') * 1000);
-- What would have been over for years may as well mean "never".
CREATE TABLE marked (id integer, "expiresAt" bigint);
INSERT INTO marked VALUES (1, 1000000000000);
CREATE TABLE tomcat (id text, max_inactive integer, last_access bigint);
INSERT INTO tomcat VALUES ('old', 1800, extract(epoch FROM now() - interval '2 days') * 1000);
CREATE TABLE subscription (id text, user_id text, expires_at timestamptz);
INSERT INTO subscription VALUES ('over', '', '2001-01-01');
CREATE TABLE "It's ""another"""."C:\sessions" (id integer, "don't expire" date, expires timestamptz);
INSERT INTO "It's ""another"""."C:\sessions" VALUES (1, '2001-01-01', '2001-01-01');
CREATE TABLE admin_session (session_key text, session_data text, expire_date timestamptz, refresh_until timestamptz);
INSERT INTO admin_session VALUES ('over', '', '2001-01-01', NULL), ('renewable', '', '2001-01-01', 'infinity');
CREATE TABLE user_session (session_key text, session_data text, expire_date timestamptz, legal_hold boolean, on_hold_by text);
INSERT INTO user_session VALUES ('over', '', '2001-01-01', false), ('held', '', '2001-01-01', true);
CREATE TABLE users_tokens (id integer, user_id bigint, token bytea, context text, sent_to text, inserted_at timestamp, legal_hold boolean);
INSERT INTO users_tokens VALUES (1, 1, '', 'session', NULL, '2001-01-01', false), (2, 1, '', 'api-token', NULL, '2001-01-01', false), (3, 1, '', 'session', NULL, '2001-01-01', true);
CREATE TABLE admins_tokens_old AS TABLE users_tokens;
ALTER TABLE admins_tokens_old DROP COLUMN legal_hold;
CREATE TABLE own_tokens AS SELECT *, 1 AS level FROM admins_tokens_old;
ALTER TABLE own_tokens ALTER level SET NOT NULL;
CREATE TABLE bearers (id integer, access_token_expires_at timestamptz, refresh_token_expires_at timestamptz);
INSERT INTO bearers VALUES (1, '2001-01-01', 'infinity');
CREATE TABLE refreshed (id integer, expires_at timestamp, absolute_expires_at date);
INSERT INTO refreshed VALUES (1, '2001-01-01', '2001-01-01');
CREATE TABLE session (session_key text, session_data text, expire_date timestamptz) PARTITION BY RANGE (expire_date);
CREATE TABLE session_2001_01 PARTITION OF session FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
INSERT INTO session VALUES ('over', '', '2001-01-01');
CREATE TABLE session_2001 AS TABLE session;
CREATE SCHEMA archive;
CREATE TABLE archive.django_session AS TABLE session;
CREATE TEMPORARY TABLE temporary (id integer, expires timestamptz);
INSERT INTO temporary VALUES (1, '2001-01-01');

CREATE FUNCTION follow_hint(call text, OUT hinted text, OUT deleted text) LANGUAGE plpgsql AS $$
DECLARE
    refused text := (SELECT string_agg(line, E'\n') FROM test.refusal(call) AS line);
BEGIN
    hinted := substring(refused FROM 'SELECT (raw_clear_sessions\(.*\));');
    IF hinted IS NULL THEN
        deleted := refused;
        RETURN;
    END IF;
    EXECUTE 'SELECT ' || hinted INTO deleted;
    RAISE SQLSTATE 'ZZ000'; -- to be undone
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        NULL;
    WHEN OTHERS THEN
        deleted := sqlerrm;
END
$$;
\pset tuples_only
\pset format unaligned
\pset fieldsep '\n    '
\pset recordsep '\n\n'
SELECT call, hinted, deleted FROM unnest(ARRAY[
    $$raw_clear_sessions('tokens')$$,
    $$raw_clear_sessions('tokens', expires => 'expires')$$,
    $$raw_clear_sessions('tokens', expires => 'created')$$,
    $$raw_clear_sessions('visits')$$,
    $$raw_clear_sessions('visits', expires => 'last_seen', keep => '1 day')$$,
    $$raw_clear_sessions('visits', expires => 'last_seen', time_zone => 'UTC')$$,
    $$raw_clear_sessions('visits', expires => 'greatest(last_seen, last_seen)', time_zone => 'UTC')$$,
    $$raw_clear_sessions('counters')$$,
    $$raw_clear_sessions('counters', expires => 'valid_to')$$,
    $$raw_clear_sessions('rails_sessions')$$,
    $$raw_clear_sessions('rails_sessions', expires => 'created_at')$$,
    $$raw_clear_sessions('express')$$,
    $$raw_clear_sessions('millis', expires => 'expiresAt', unit => 'seconds')$$,
    $$raw_clear_sessions('marked', expires => 'expiresAt', unit => 'seconds')$$,
    $$raw_clear_sessions('millis', expires => '"expiresAt" + 0', unit => 'microseconds')$$,
    $$raw_clear_sessions('tomcat')$$,
    $$raw_clear_sessions('tomcat', expires => 'last_access', unit => 'seconds', keep => '30 min')$$,
    $$raw_clear_sessions('subscription')$$,
    $$raw_clear_sessions('"It''s ""another"""."C:\sessions"')$$,
    $$raw_clear_sessions('"It''s ""another"""."C:\sessions"', expires => '"don''t expire"')$$,
    $$raw_clear_sessions('admin_session')$$,
    $$raw_clear_sessions('user_session')$$,
    $$raw_clear_sessions('user_session', filter => 'session_key <> ''x''')$$,
    $$raw_clear_sessions('users_tokens')$$,
    $$raw_clear_sessions('users_tokens', expires => 'inserted_at', time_zone => 'UTC')$$,
    $$raw_clear_sessions('users_tokens', expires => 'inserted_at', keep => '14 days', filter => 'NOT legal_hold')$$,
    $$raw_clear_sessions('users_tokens', expires => 'inserted_at', keep => '14 days', filter => 'context = ''api-token''')$$,
    $$raw_clear_sessions('users_tokens', keep => '14 days', filter => 'NOT legal_hold')$$,
    $$raw_clear_sessions('admins_tokens_old')$$,
    $$raw_clear_sessions('admins_tokens_old', keep => '14 days')$$,
    $$raw_clear_sessions('own_tokens')$$,
    $$raw_clear_sessions('bearers')$$,
    $$raw_clear_sessions('bearers', keep => '1 day')$$,
    $$raw_clear_sessions('refreshed')$$,
    $$raw_clear_sessions('session_2001')$$,
    $$raw_clear_sessions('archive.django_session')$$,
    $$raw_clear_sessions('temporary')$$
]) WITH ORDINALITY AS calls(call, n), follow_hint(call) ORDER BY n;

-- A filter that reads the columns that may keep a row answers the question, and nothing else does. A partition is no copy.
SELECT call, coalesce(hinted, deleted) FROM unnest(ARRAY[
    $$raw_clear_sessions('user_session', filter => 'NOT legal_hold')$$,
    $$raw_clear_sessions('user_session', filter => 'NOT legal_hold AND on_hold_by IS NULL')$$,
    $$raw_clear_sessions('admin_session', filter => 'refresh_until IS NULL')$$,
    $$raw_clear_sessions('session_2001_01')$$
]) WITH ORDINALITY AS calls(call, n), follow_hint(call) ORDER BY n;

-- Where a row says itself how long it lives, the call counts that from the last instant in the row. What it leaves open is the
-- unit, and what is kept past that; a row without a lifetime, or with one of 0, stays.
CREATE TABLE links (id text, created_at timestamptz, ttl integer);
CREATE TABLE grants (id text, issued_at timestamptz, updated_at timestamptz, lifetime interval);
INSERT INTO links SELECT state, now() - interval '20 minutes', ttl FROM (VALUES ('live', 1800), ('over', 600), ('for ever', 0), ('endless', NULL), ('odd', -1)) AS t(state, ttl);
INSERT INTO grants SELECT state, now() - interval '20 minutes', renewed, lifetime FROM (VALUES ('live', NULL::timestamptz, interval '30 minutes'),
    ('over', NULL, '10 minutes'), ('renewed', now() - interval '1 minute', '10 minutes'), ('for ever', NULL, '0'), ('endless', NULL, NULL)) AS t(state, renewed, lifetime);
SELECT call, hinted, deleted FROM unnest(ARRAY[$$raw_clear_sessions('links')$$, $$raw_clear_sessions('links', keep => '0')$$,
    $$raw_clear_sessions('grants')$$]) WITH ORDINALITY AS calls(call, n), follow_hint(call) ORDER BY n;
CREATE FUNCTION left_by(followed text, "table" regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows text;
BEGIN
    EXECUTE 'SELECT ' || hints.filled_in("table", replace(followed, 'keep => ''...''', 'keep => ''0'''));
    EXECUTE format('SELECT string_agg(id, '', '' ORDER BY id) FROM %s', "table") INTO rows;
    RETURN rows;
END
$$;
SELECT "table", 'left: ' || left_by(hinted, "table") FROM unnest(ARRAY['links', 'grants']::regclass[]) AS "table", follow_hint(format('raw_clear_sessions(%L)', "table"));
-- A later use may be in a column of another type, and a day has an end.
CREATE TABLE logins (id text, last_seen timestamptz, last_used_ms bigint, ttl interval);
SELECT raw_clear_sessions('logins');
CREATE TABLE day_visits (id text, last_visit date, ttl_hours smallint);
SELECT raw_clear_sessions('day_visits');
INSERT INTO day_visits VALUES ('today', (now() AT TIME ZONE 'UTC')::date, 1), ('over', '2020-01-01', 1);
SELECT raw_clear_sessions('day_visits', expires => 'last_visit + 1 + nullif(greatest(ttl_hours, 0), 0) * interval ''1 hours''', time_zone => 'UTC', keep => '0');
-- No lifetime is counted from an end.
CREATE TABLE leases (id text, expires_on timestamptz, lifetime interval);
SELECT hinted FROM follow_hint($$raw_clear_sessions('leases')$$);
-- The unit of a sum may be that of one part of it: what the caller keeps is asked for again.
CREATE TABLE terminals (id text, last_access bigint, max_inactive integer);
INSERT INTO terminals VALUES ('live', extract(epoch FROM now() - interval '1 minute') * 1000, 1800);
SELECT hinted, deleted FROM follow_hint($$raw_clear_sessions('terminals', expires => 'last_access + max_inactive', unit => 'seconds', keep => '0')$$);

-- What was said to keep rows is in the call that is shown too: following it must not delete more than was asked for.
\pset fieldsep ': '
\pset recordsep '\n'
SELECT call, CASE WHEN hinted ~ said THEN 'still there' ELSE 'LOST' END FROM (VALUES
    (1, $$raw_clear_sessions('counters', expires => 'valid_to', keep => '40 years')$$, 'keep => .*40 years'),
    (2, $$raw_clear_sessions('counters', keep => '40 years')$$, 'keep => .*40 years'),
    (3, $$raw_clear_sessions('visits', expires => 'last_seen', keep => '40 years')$$, 'keep => .*40 years'),
    (4, $$raw_clear_sessions('visits', expires => 'last_seen', filter => 'id = 2')$$, 'filter => .*id = 2'),
    (5, $$raw_clear_sessions('express', keep => '40 years')$$, 'keep => .*40 years'),
    (6, $$raw_clear_sessions('rails_sessions', filter => 'data IS NULL')$$, 'filter => .*data IS NULL'),
    (7, $$raw_clear_sessions('millis', expires => 'expiresAt', unit => 'seconds', keep => '1 day')$$, 'keep => .*1 day')
) AS calls(n, call, said), follow_hint(call) ORDER BY n;
\pset tuples_only off
\pset format aligned

-- Where nearly everything would go, the preview says so.
SELECT w FROM jsonb_array_elements_text(raw_clear_sessions_preview('visits', expires => 'last_seen', keep => '0',
    time_zone => 'UTC', exact => true) -> 'warnings') AS w;

\set VERBOSITY terse
DROP SCHEMA "It's ""another""" CASCADE;
DO $$
BEGIN
    EXECUTE (SELECT string_agg(format('DROP SCHEMA live_%s CASCADE;', file), ' ') FROM hints.files);
END
$$;
DROP SCHEMA hints, lookalikes, archive CASCADE;
