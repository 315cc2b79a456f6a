--
-- Expressions and filters that have another value in each time zone, or with each DateStyle: which these are, and that with
-- time_zone they mean the same in every session.
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA zones;
SET search_path = zones, public;
SET client_min_messages = warning;
SET timezone = 'America/New_York';

CREATE TABLE session (id integer, txt text, at timestamptz, naive timestamp, day date, secs integer, lifetime interval, doc jsonb);
CREATE FUNCTION read_at(text) RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT $1::timestamptz';
CREATE FUNCTION sworn(text) RETURNS timestamptz IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1::timestamptz; END';
CREATE FUNCTION is_over(timestamptz) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT $1 < now()';
CREATE FUNCTION is_kept(integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT $1 = 0';
CREATE DOMAIN instant AS timestamptz;
CREATE FUNCTION begins(id integer, day date DEFAULT current_date) RETURNS date IMMUTABLE LANGUAGE sql AS 'SELECT $2 - $1';
CREATE FUNCTION nested(id integer, day date DEFAULT zones.begins(0)) RETURNS date IMMUTABLE LANGUAGE sql AS 'SELECT $2 - $1';
CREATE FUNCTION of_day(id integer, day date DEFAULT '2026-01-01') RETURNS date IMMUTABLE LANGUAGE sql AS 'SELECT $2 - $1';
CREATE FUNCTION by_chance(id integer, chance float8 DEFAULT random()) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $2 < 0.5';
CREATE FUNCTION around(integer) RETURNS tstzrange STABLE LANGUAGE sql AS 'SELECT tstzrange(''2001-01-01'', ''2001-01-02'')';
CREATE FUNCTION days(integer) RETURNS datemultirange[] STABLE LANGUAGE sql AS 'SELECT NULL::datemultirange[]';

-- What the call says to it: without a zone, and with one.
CREATE FUNCTION said(arguments text, OUT without text, OUT "with" text) LANGUAGE plpgsql AS $$
DECLARE
    zone text;
    outcome text;
BEGIN
    FOREACH zone IN ARRAY ARRAY['', ', time_zone => ''UTC'''] LOOP
        BEGIN
            EXECUTE format('SELECT raw_clear_sessions(''zones.session'', keep => ''1 h'', %s%s)', arguments, zone) INTO outcome;
        EXCEPTION WHEN invalid_parameter_value OR datetime_field_overflow THEN
            outcome := regexp_replace(sqlerrm, ' of type.*', '');
        END;
        IF zone = '' THEN without := outcome; ELSE "with" := outcome; END IF;
    END LOOP;
END
$$;
SELECT arguments, said.* FROM unnest(ARRAY[
    -- read, written or cut by the clock on a wall
    $$expires => 'txt::timestamptz'$$,
    $$expires => 'txt::zones.instant'$$,
    $$expires => '(doc ->> ''expires'')::timestamptz'$$,
    $$expires => 'jsonb_path_query_first_tz(doc, ''$.at.datetime()'')::text::timestamptz'$$,
    $$expires => 'naive::timestamptz'$$,
    $$expires => 'day::timestamptz'$$,
    $$expires => 'timezone(''UTC'', at::timestamp)'$$,
    $$expires => 'to_timestamp(txt, ''YYYY-MM-DD HH24:MI'')'$$,
    $$expires => 'make_timestamptz(2026, id, 1, 0, 0, 0)'$$,
    $$expires => 'date_trunc(''day'', at)'$$,
    $$expires => 'extract(epoch FROM txt::timestamptz)', unit => 'seconds'$$,
    $$expires => 'secs + extract(hour FROM at)::integer', unit => 'seconds'$$,
    $$expires => 'zones.read_at(txt)'$$,
    $$expires => 'CASE WHEN day < at THEN at END'$$,
    $$expires => 'greatest(at, ''2026-11-26'')'$$,
    $$expires => 'at', filter => 'at < ''2026-11-26 12:00'''$$,
    $$expires => 'at', filter => 'day < ''01/02/2026'''$$,
    $$expires => 'at', filter => 'day < ''today'''$$,
    $$expires => 'at', filter => 'day < current_date'$$,
    $$expires => 'at', filter => 'naive < localtimestamp'$$,
    $$expires => 'at', filter => 'naive < now()'$$,
    $$expires => 'at', filter => 'at::text < ''2026'''$$,
    $$expires => 'at', filter => 'zones.is_over(at)'$$,
    -- the same day to those who write the month first and who write the day first; another one to those who write the year first
    $$expires => 'at', filter => 'day < ''01/01/26'''$$,
    -- marked IMMUTABLE by PostgreSQL
    $$expires => 'at', filter => 'age(''2001-01-01 00:00Z'', at) < ''1 month'''$$,
    $$expires => 'at', filter => 'xmlelement(name a, at)::text < ''b'''$$,
    -- in a default argument
    $$expires => 'at', filter => 'zones.begins(id) > ''2026-01-01'''$$,
    $$expires => 'at', filter => 'zones.nested(id) > ''2026-01-01'''$$,
    $$expires => 'at', filter => 'isempty(zones.around(id))'$$,
    $$expires => 'at', filter => 'cardinality(zones.days(id)) = 1'$$,
    -- days of 23 and 25 hours
    $$expires => 'at + interval ''1 day'''$$,
    $$expires => 'at + lifetime'$$,
    $$expires => 'at', filter => 'at < now() - interval ''1 month'''$$,
    -- the same everywhere
    $$expires => 'at', filter => 'zones.of_day(id) > ''2026-01-01'''$$,
    $$expires => 'at + interval ''24 hours'''$$,
    $$expires => 'at - interval ''-1 minute'''$$,
    $$expires => 'timezone(''UTC'', naive)'$$,
    $$expires => 'naive AT TIME ZONE ''Asia/Tokyo'''$$,
    $$expires => 'to_timestamp(secs)'$$,
    $$expires => 'zones.sworn(txt)'$$,
    $$expires => '(doc ->> ''expires'')::integer', unit => 'seconds'$$,
    $$expires => 'at', filter => 'at < now() AND at < current_timestamp AND at < statement_timestamp() - interval ''1 hour'''$$,
    $$expires => 'at', filter => 'at < ''2026-11-26 12:00Z'''$$,
    $$expires => 'at', filter => 'zones.is_kept(id)'$$,
    $$expires => 'at', filter => 'current_user = ''somebody'''$$
]) WITH ORDINALITY AS a(arguments, n), said(arguments) ORDER BY n;
SELECT test.refusal($$raw_clear_sessions('session', expires => 'txt::timestamptz', keep => '0')$$);
SELECT test.refusal($$raw_clear_sessions('session', expires => 'at', filter => 'day < ''today''', keep => '0')$$);
SELECT test.refusal($$raw_clear_sessions_schedule('session', expires => 'txt::timestamptz', keep => '0')$$);
-- A default argument that is another one for each row is no less volatile than one that is written.
SELECT test.refusal($$raw_clear_sessions('session', expires => 'at', filter => 'zones.by_chance(id)', keep => '0')$$);
-- Texts are read year first, whatever the session's DateStyle.
INSERT INTO session (id, txt) VALUES (1, '01/02/2026');
-- PostgreSQL's own hint has another spelling in each version.
SELECT refusal FROM test.refusal($$raw_clear_sessions('session', expires => 'txt::timestamptz', keep => '0', time_zone => 'UTC')$$) AS refusal LIMIT 1;
DELETE FROM session;

-- The same rows, whoever calls, and by whichever way. Each hour within a day from now, on the clock of Berlin.
INSERT INTO session SELECT n, to_char(now() AT TIME ZONE 'Europe/Berlin' + n * interval '1 hour', 'YYYY-MM-DD HH24:MI:SS')
FROM generate_series(-24, 24) AS n WHERE n <> 0;
CREATE FUNCTION cleared(zone text, style text, call text, OUT deleted text, OUT live bigint, OUT expired bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('timezone', zone, true), set_config('datestyle', style, true);
    EXECUTE format('SELECT %s(''zones.session'', expires => ''txt::timestamptz'', keep => ''0'', time_zone => ''Europe/Berlin'')', call)
        INTO deleted;
    IF (current_setting('timezone'), current_setting('datestyle')) <> (zone, style) THEN
        RAISE WARNING 'the session is left with % and %', current_setting('timezone'), current_setting('datestyle');
    END IF;
    SELECT count(*) FILTER (WHERE id > 0), count(*) FILTER (WHERE id < 0) INTO live, expired FROM zones.session;
    RAISE EXCEPTION USING errcode = 'ZZ000'; -- to be undone
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    NULL;
END
$$;
SELECT call, zone, style, cleared.* FROM unnest(ARRAY['raw_clear_sessions', 'raw_clear_sessions_rewrite']) WITH ORDINALITY AS c(call, n),
    (VALUES ('UTC', 'ISO, MDY'), ('Asia/Tokyo', 'German, DMY'), ('America/New_York', 'SQL, DMY')) AS s(zone, style),
    cleared(zone, style, call) ORDER BY n, zone;
-- The preview says in which zone it is meant; and the procedure.
SET timezone = 'Asia/Tokyo';
SELECT preview ->> 'time_zone' AS time_zone, preview ->> 'expired_rows' AS expired_rows
FROM raw_clear_sessions_preview('session', expires => 'txt::timestamptz', time_zone => 'Europe/Berlin', keep => '0', exact => true) AS preview;
CALL raw_clear_sessions_in_batches('session', expires => 'txt::timestamptz', time_zone => 'Europe/Berlin', keep => '0', batch_size => 5);
SHOW timezone;
SELECT count(*) FILTER (WHERE id > 0) AS live, count(*) FILTER (WHERE id < 0) AS expired FROM session;
-- A refusal leaves the session's settings as they are, too.
SELECT test.refusal($$raw_clear_sessions('session', expires => 'txt::integer', unit => 'seconds', time_zone => 'Europe/Berlin', keep => '0')$$);
SELECT test.refusal($$raw_clear_sessions('session', expires => 'left(txt, 0)::timestamptz', time_zone => 'Europe/Berlin', keep => '0')$$);
SHOW timezone;
-- The zone of a column is that of a filter as well: midnight in Tokyo, not in New York.
SET timezone = 'America/New_York';
CREATE TABLE naive (id integer, at timestamp, made timestamptz);
INSERT INTO naive VALUES (1, '2001-01-01', '2001-01-01 00:30 Asia/Tokyo'), (2, '2001-01-01', '2000-12-31 23:30 Asia/Tokyo');
SELECT raw_clear_sessions('naive', expires => 'at', time_zone => 'Asia/Tokyo', filter => 'made::date >= ''2001-01-01''');
SELECT id FROM naive;
-- A day of keep is the clock's. Ten days ago the clock of these zones was set back at this time of the day, or forward: a row
-- lives until the clock shows its time once more, and so some minutes more than 240 hours, or less.
CREATE TABLE kept (id integer, at timestamptz);
SELECT ago, extract(doy FROM ago) - 1 AS day, (extract(doy FROM ago)::integer + 300) % 365 AS other_day,
    to_char(ago - date_trunc('day', ago) + interval '30 minutes', 'HH24:MI:SS') AS change
FROM (SELECT now() AT TIME ZONE 'UTC' - interval '10 days' AS ago) AS s \gset
CREATE FUNCTION live(id integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT at + interval '10 days' > now() FROM zones.kept AS k WHERE k.id = $1
$$;
SELECT format('A0B,%s/0,%s/%s', :other_day, :day, :'change') AS back, format('A0B,%s/%s,%s/0', :day, :'change', :other_day) AS forward \gset
SET timezone = :'back';
INSERT INTO kept VALUES (1, :'ago'::timestamp AT TIME ZONE 'UTC' - interval '50 minutes'), (0, now() - interval '11 days');
SELECT live(1), raw_clear_sessions('kept', expires => 'at', keep => '10 days') AS deleted;
SET timezone = :'forward';
TRUNCATE kept;
INSERT INTO kept VALUES (1, :'ago'::timestamp AT TIME ZONE 'UTC' + interval '40 minutes'), (0, now() - interval '11 days');
SELECT live(1), raw_clear_sessions('kept', expires => 'at', keep => '10 days') AS deleted;
SELECT id FROM kept;

\set VERBOSITY terse
DROP SCHEMA zones CASCADE;
