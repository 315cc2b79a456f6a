-- Time zones that are written in texts: UTC-05:00 is five hours ahead of UTC to PostgreSQL, and a timestamp has no place for one.
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup
CREATE SCHEMA written_zones;
SET search_path = written_zones, public;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE DOMAIN instant AS timestamptz;
CREATE TYPE ending AS (at timestamptz);
CREATE TABLE session (ends text, local timestamp, zone varchar(40), doc jsonb);

-- One row that lives for three hours yet, as it is written in a zone, and one that has been over for a day
CREATE FUNCTION fill(format text, zone text, "offset" interval) RETURNS void LANGUAGE sql AS $$
    DELETE FROM session;
    INSERT INTO session SELECT to_char(local, format) || zone, local, trim(zone), jsonb_build_object('ends', to_char(local, format) || zone)
    FROM unnest(ARRAY['3 hours', '-1 day']::interval[]) AS life, date_trunc('second', timezone('UTC', now() + life) + "offset") AS local;
$$;
CREATE FUNCTION outcome(expires text, filter text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        RETURN raw_clear_sessions('session', expires => expires, filter => filter, time_zone => 'UTC');
    EXCEPTION WHEN invalid_parameter_value THEN
        -- It makes no difference to the expression; to some only since a later version.
        RETURN raw_clear_sessions('session', expires => expires, filter => filter);
    END;
EXCEPTION WHEN invalid_datetime_format OR invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS said = pg_exception_detail;
    RETURN sqlstate || ' ' || substring(said FROM '^.{26}');
END
$$;
CREATE FUNCTION outcome_of(format text, zone text, "offset" interval, expires text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fill(format, zone, "offset");
    RETURN outcome(expires, NULL);
END
$$;
\set iso '''YYYY-MM-DD HH24:MI:SS'''
\set instant '''ends::timestamptz'''
\set naive '''ends::timestamp'''
\set zoned '''local AT TIME ZONE zone'''
SELECT zone, expires, outcome FROM (VALUES
    -- meant otherwise than PostgreSQL reads it
    (:iso, ' UTC-05:00', interval '-5 hours', :instant), (:iso, 'UTC-5', '-5 hours', :instant), (:iso, ' UTC+05:30', '5.5 hours', :instant),
    ('Dy Mon DD YYYY HH24:MI:SS', ' GMT-0100', '-1 hours', :instant), (:iso, ' EST-5', '-5 hours', :instant),
    ('YYYY-MM-DD HH:MI:SS', ' PM-05', '-5 hours', :instant),
    (:iso, ' UTC-05:00', '-5 hours', '(doc ->> ''ends'')::timestamptz'), (:iso, ' UTC-05:00', '-5 hours', '(ARRAY[ends]::timestamptz[])[1]'),
    (:iso, ' UTC-05:00', '-5 hours', 'lower((''['' || ends || '',)'')::tstzrange)'),
    (:iso, ' UTC-05:00', '-5 hours', '(ends::timestamptz - interval ''1 h'')::timestamp'),
    -- behind punctuation
    (:iso, ' (UTC-05:00)', '-5 hours', :instant), (:iso, ', GMT-5', '-5 hours', :instant), (:iso, '.UTC-05:00', '-5 hours', :instant),
    (:iso, ' GMT/UTC-5', '-5 hours', :instant), (:iso, 'Z-05', '-5 hours', :instant), (:iso, ' America/Bogota-5', '-5 hours', :instant),
    (:iso, ' UTC/-05:00', '-5 hours', :instant), (:iso, ' Etc/UTC-05:00', '-5 hours', :instant), (:iso, ' Etc/UTC-5', '-5 hours', :instant), (:iso, ' Mar-05:00', '-5 hours', :instant), (:iso, ' May-5', '-5 hours', :instant),
    -- with the name of a summer time, or what would be one
    (:iso, ' UTC-5h', '-5 hours', :instant), (:iso, ' GMT-5hrs', '-5 hours', :instant), (:iso, ' UTC-05:00h', '-5 hours', :instant), (:iso, 'Z-5h', '-5 hours', :instant),
    (:iso, ' UTC-05:00EST', '-5 hours', :instant), (:iso, ' UTC-5EST', '-5 hours', :instant), (:iso, ' GMT-05EDT', '-5 hours', :instant), (:iso, ' UTC-5.0', '-5 hours', :instant), (:iso, ' EST-5EDT', '-5 hours', :instant),
    (:iso, ' Etc/GMT-05:00', '-5 hours', :instant), (:iso, ' CET-1CEST', '1 hour', :instant), ('', 'UTC0EST', '0', :zoned), ('', 'UTC5EST', '5 hours', :zoned),
    -- behind what PostgreSQL skips, or takes for a part of the name
    (:iso, '/UTC-05:00', '-5 hours', :instant), (:iso, ' /UTC-05:00', '-5 hours', :instant), (:iso, '_UTC-05:00', '-5 hours', :instant), (:iso, ' _UTC-05:00', '-5 hours', :instant), (:iso, ' UTC/:-05:00', '-5 hours', :instant), (:iso, ' UTC.-5', '-5 hours', :instant),
    ('YYYYMMDD"Sep-05:00" HH24MISS', '', '-5 hours', :instant), ('"2199-01-01 11:50:00 PM/UTC+0000"', '', '0', :instant), ('"2199-01-01 11:50:00 PMCET-0"', '', '0', :instant),
    -- ignored
    (:iso, ' EST', '-5 hours', :naive), (:iso, ' (EST)', '-5 hours', :naive), (:iso, ' America/Bogota', '-5 hours', :naive), (:iso, ' - 05', '-5 hours', :naive),
    ('YYYYMMDD HH24MISS', '-05', '-5 hours', :naive), ('YYYY-MM-DD HH24MI', '-05', '-5 hours', :naive), ('Dy Mon DD HH24:MI:SS YYYY', ' -0500', '-5 hours', :naive),
    ('Dy Mon DD HH24:MI:SS "EST" YYYY', '', '-5 hours', :naive), ('YYYY-MM-DD', '+02', '2 hours', :naive),
    (:iso, ' UTC-05:00', '-5 hours', :naive), (:iso, '-05:00', '-5 hours', :naive), ('YYYYMMDD"T"HH24MISS', '-05', '-5 hours', 'ends::date'),
    ('YYYY-MM-DD "(-05:00)" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY-MM-DD", -05:00" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY.DDD "-05:00" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY-MM-DD "#-05" HH24:MI:SS', '', '-5 hours', :naive),
    ('YYYY-MM-DD "/-05" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY-MM-DD ";-05" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY-MM-DD"*-05:00" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY/MM/DD"-05" HH24:MI:SS', '', '-5 hours', :naive),
    ('YYYY-MM-DD"+05" HH24:MI:SS', '', '5 hours', :naive), ('YYYY-MM-DD "UTC-05:00" HH24:MI:SS', '', '-5 hours', :naive), ('YYYY-MM-DD,HH24MI', '-05', '-5 hours', :naive),
    -- by the function of a type
    (:iso, ' UTC-05:00', '-5 hours', 'timestamptz_in(ends::cstring, 0, -1)'), (:iso, ' UTC-05:00', '-5 hours', 'timestamptz_in(textout(ends), 0, -1)'), (:iso, '-05:00', '-5 hours', 'timestamp_in(ends::cstring, 0, -1)'),
    (:iso, '-05:00', '-5 hours', 'date_in(ends::cstring)'), (:iso, ' UTC-05:00', '-5 hours', '(array_in((''{"'' || ends || ''"}'')::cstring, 1184, -1)::text::timestamptz[])[1]'),
    (:iso, '-05:00', '-5 hours', '(array_in((''{"'' || ends || ''"}'')::cstring, 1114, -1)::text::timestamp[])[1]'), (:iso, '-05:00', '-5 hours', '(array_in((''{"'' || ends || ''"}'')::cstring, 1184, -1)::text::timestamptz[])[1]'),
    (:iso, 'Z', '0', 'timestamptz_in(ends::cstring, 0, -1)'), (:iso, 'Z', '0', 'timestamp_in(ends::cstring, 0, -1)'),
    -- behind what a format says
    (:iso, '-05:00', '-5 hours', 'to_timestamp(ends, ''YYYY-MM-DD HH24:MI:SS'')'), ('DD.MM.YYYY HH24:MI', ' -05:00', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' EST', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'),
    ('DD.MM.YYYY HH24:MI', ' America/Bogota', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' UTC-5', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', '+05', '5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'),
    ('DD.MM.YYYY HH:MI', ' PM', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH:MI', ' p.m.', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH12:MI'')'), ('DD.MM.YYYY HH24:MI', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY'')'),
    ('DD.MM.YYYY HH24:MI', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' Uhr', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('HH24:MI DD-MM-YYYY', '', '0', 'to_timestamp(ends, ''HH24:MI DD-MM-YYYY'')'),
    ('DD.MM.YYYY HH:MI AM', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH12:MI AM'')'), ('DD.MM.YYYY HH24:MI', ' -05:00', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI TZH:TZM'')'), ('DD.MM.YYYY HH24:MI', ' UTC', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'),
    -- a year of two digits beside a month by its name
    ('DD Mon YY HH24:MI:SS', ' GMT', '0', :instant), ('Dy, DD Mon YY HH24:MI:SS', ' GMT', '0', :instant), ('DD-Mon-YY HH24:MI:SS', '', '0', :naive), ('Mon DD YY HH24:MI:SS', '', '0', :instant), ('Mon DD HH24:MI:SS YY', '', '0', :instant), ('Mon DD, YY HH24:MI', '', '0', :naive), ('HH24:MI DDMonYY', '', '0', :instant),
    ('DD Mon YY HH24:MI:SS', '', '0', 'to_timestamp(ends, ''DD Mon YY HH24:MI:SS'')'), ('DD Mon YYYY HH24:MI:SS', ' GMT', '0', :instant), ('Mon DD HH24:MI:SS YYYY', '', '0', :instant), ('Mon DD, YYYY HH24:MI', '', '0', :naive), ('YYYY Mon DD HH24:MI', '', '0', :instant),
    -- whatever is between its parts
    ('DD Mon "''"YY HH24:MI:SS', '', '0', :instant), ('DD_Mon_YY HH24:MI:SS', '', '0', :instant), ('Mon DD;YY HH24:MI:SS', '', '0', :instant), ('DD Dy Mon YY HH24:MI:SS', '', '0', :instant), (E'DD\tMon\tYY HH24:MI:SS', '', '0', :instant), ('DD--Mon--YY HH24:MI:SS', '', '0', :instant), ('DD_Mon_YY HH24:MI:SS', '', '0', :naive), ('Mon DD HH24:MI:SS "-0500" YY', '', '-5 hours', :instant),
    ('Mon DD/YY HH24:MI:SS', '', '0', :instant), ('DD Mon "''"YYYY HH24:MI:SS', '', '0', :instant), ('DD_Mon_YYYY HH24:MI:SS', '', '0', :instant), ('Mon DD;YYYY HH24:MI:SS', '', '0', :instant), ('DD Dy Mon YYYY HH24:MI:SS', '', '0', :instant), (E'DD\tMon\tYYYY HH24:MI:SS', '', '0', :instant), ('Dy Mon DD HH24:MI:SS "-05" YYYY', '', '-5 hours', :instant),
    -- a point that makes minutes of hours; a summer time behind an offset
    ('YYYY-MM-DD HH12:MI.PM', '', '0', :instant), ('YYYY-MM-DD HH24:MI.', '', '0', :instant), ('DD Mon YYYY HH24:MI.SS', '', '0', :instant), ('YYYY-MM-DD HH24:MI.', '', '0', :naive), (:iso, '-05:00 DST', '-5 hours', :instant), (:iso, ' -0500 DST', '-5 hours', :instant), (:iso, ' EST DST', '-4 hours', :instant), ('YYYY-MM-DD HH24:MI:SS.MS', '', '0', :naive), (:iso, ' h', '0', :naive),
    -- more than a format says
    ('YYYYMMDD"T"HH24MISS', '-0500', '-5 hours', 'to_timestamp(ends, ''YYYYMMDD"T"HH24MISS'')'), ('DD.MM.YYYY HH24:MI', ' Uhr EST', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' Eastern', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' Eastern Standard Time', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' Uhr America/Bogota', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' (EST)', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI', ' EST DST', '-5 hours', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH:MI', ' P', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH:MI', 'P', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH:MI', ' p. m.', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('MM/DD/YYYY HH24"h"MI', '', '0', 'to_timestamp(ends, ''MM/DD/YYYY'')'), ('YYYYMMDD"T"HH24MI', '', '0', 'to_timestamp(ends, ''YYYYMMDD'')'), ('DD.MM.YYYY HH24:"59:59"', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('YYYY-MM-DD HH24:MI', '-05:00', '-5 hours', 'to_timestamp(ends, ''YYYY-MM-DD HH24:MI:SS.MS'')'), ('YYYYMMDD"T"HH24MISS', '', '0', 'to_timestamp(ends, ''YYYYMMDD"T"HH24MISS'')'), ('YYYYMMDD"T"HH24MISS', '-0500', '-5 hours', 'to_timestamp(ends, ''YYYYMMDD"T"HH24MISSTZHTZM'')'), ('DD.MM.YYYY "12":MI', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH:MI'')'), ('DD.MM.YYYY "12":MI:SS', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH12:MI:SS AM'')'), ('"01.01.2199 12":MI', ' PM', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH12:MI AM'')'), ('"01.01.2199 11":MI', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH:MI'')'), ('"01.01.2199 at 12":MI:SS', ' AM', '0', 'to_timestamp(ends, ''DD.MM.YYYY "at" HH12:MI:SS AM'')'), ('DD.MM.YYYY HH24:MI', ' Coordinated Universal Time', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI'')'), ('DD.MM.YYYY HH24:MI:SS.MS', '', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI:SS'')'), ('DD.MM.YYYY HH24:MI', ' Uhr', '0', 'to_timestamp(ends, ''DD.MM.YYYY HH24:MI "Uhr"'')'), ('Dy, DD Mon YYYY HH24:MI:SS', ' GMT', '0', 'to_timestamp(ends, ''Dy, DD Mon YYYY HH24:MI:SS'')'), ('MM/DD/YYYY HH24"h"MI', '', '0', 'to_timestamp(ends, ''MM/DD/YYYY HH24"h"MI'')'),
    -- beside the time
    ('', 'UTC-05:00', '-5 hours', :zoned), ('', '-05:00', '-5 hours', :zoned), ('', 'UTC', '0', 'local AT TIME ZONE ''UTC+1'''),
    ('', 'UTC-05:00', '-5 hours', 'make_timestamptz(2026, 1, 1, 0, 0, 0, zone)'),
    (:iso, ' UTC-05:00', '-5 hours', '((''{"'' || ends || ''"}'')::instant[])[1]'), (:iso, ' UTC-05:00', '-5 hours', '(ARRAY[ends]::text[]::instant[])[1]'),
    (:iso, ' UTC-05:00', '-5 hours', 'upper((''{[2020-01-01, '' || ends || '')}'')::tstzmultirange)'), ('YYYY-MM-DD HH24:MI:SS', '-05:00', '-5 hours', 'local::date + substr(ends, 12)::time'),
    ('', 'UTC -05:00', '-5 hours', :zoned), ('', 'Eastern Time -5', '-5 hours', :zoned), ('', '(UTC)-5', '-5 hours', :zoned), ('', 'America/Bogota -05:00', '-5 hours', :zoned), ('', '-5', '-5 hours', :zoned),
    ('', 'UTC-05:00', '-5 hours', 'date_trunc(''hour'', local AT TIME ZONE interval ''-5 hours'', zone)'),
    -- as it is meant
    ('YYYY-Mon-DD HH24:MI:SS', ' UTC', '0', :instant), ('DD-Mon-YYYY HH24:MI:SS', ' UTC', '0', :instant), ('Mon-DD-YYYY HH24:MI:SS', ' UTC', '0', :instant),
    ('', 'America/Bogota', '-5 hours', 'date_trunc(''hour'', local AT TIME ZONE interval ''-5 hours'', zone)'),
    (:iso, ' (EST)', '-5 hours', :instant), ('YYYY/MM/DD HH:MI:SS AM', '', '0', :naive), ('Dy Mon DD HH24:MI:SS YYYY', '', '0', :naive), ('Day, DD Month YYYY "at" HH24:MI', ' UTC', '0', :naive),
    (:iso, '-05:00', '-5 hours', :instant), (:iso, ' -05', '-5 hours', :instant), (:iso, 'Z', '0', :instant), ('YYYY-MM-DD"T"HH24:MI:SS.US', 'Z', '0', :instant),
    (:iso, ' UTC', '0', :instant), ('Dy Mon DD YYYY HH24:MI:SS', ' GMT+0000', '0', :instant), ('Dy, DD Mon YYYY HH24:MI:SS', ' GMT', '0', :instant), ('Dy, DD Mon YYYY HH24:MI:SS', ' -0500', '-5 hours', :instant),
    (:iso, ' EST', '-5 hours', :instant), (:iso, ' Etc/GMT+5', '-5 hours', :instant), (:iso, ' America/Bogota', '-5 hours', :instant),
    (:iso, ' PST8PDT', '-8 hours', :instant), (:iso, '', '0', :naive), (:iso, 'Z', '0', :naive), (:iso, '+00:00', '0', :naive),
    ('"2199-01-01 11:50:00 PM+05"', '', '0', :instant), (:iso, ' AST4ADT', '-4 hours', :instant),
    ('DDMonYYYY HH24:MI:SS', '', '0', :naive), ('HH24:MI:SS DD Mon YYYY', '', '0', :instant),
    ('', 'America/Bogota', '-5 hours', :zoned), ('', 'Etc/GMT+5', '-5 hours', :zoned), ('', '-05:00', '-5 hours', 'local AT TIME ZONE zone::interval'),
    -- where the expression leaves the row out, or sets it right
    (:iso, ' UTC-05:00', '-5 hours', 'CASE WHEN ends LIKE ''%Z'' THEN ends::timestamptz END'),
    (:iso, ' UTC-05:00', '-5 hours', 'regexp_replace(ends, ''(UTC|GMT)([+-])'', ''\2'')::timestamptz')
) AS written (format, zone, "offset", expires), outcome_of(format, zone, "offset", expires) AS _ (outcome);

-- In a filter, and where that leaves the row out
SELECT fill(:iso, ' UTC-05:00', '-5 hours');
SELECT outcome('local', 'ends::timestamptz < now()');
SELECT outcome('ends::timestamptz', 'ends NOT LIKE ''%UTC%''');
-- What is said
\set VERBOSITY default
SET timezone = 'UTC';
UPDATE session SET ends = '2199-01-01 00:00:00 UTC-05:00', zone = '-05:00';
SELECT raw_clear_sessions('session', expires => 'ends::timestamptz', time_zone => 'UTC');
SELECT raw_clear_sessions('session', expires => 'ends::timestamp', time_zone => 'UTC');
SELECT raw_clear_sessions('session', expires => 'local AT TIME ZONE zone');
CALL raw_clear_sessions_in_batches('session', expires => 'ends::timestamptz', time_zone => 'UTC');
SELECT raw_clear_sessions_preview('session', expires => 'ends::timestamptz', time_zone => 'UTC');

UPDATE session SET ends = '05 Jan 30 10:00:00 GMT';
SELECT raw_clear_sessions('session', expires => 'ends::timestamptz', time_zone => 'UTC');
UPDATE session SET ends = '2199-11-28 10:30.';
SELECT raw_clear_sessions('session', expires => 'ends::timestamptz', time_zone => 'UTC');
UPDATE session SET ends = '28.11.2199 11:50 PM';
SELECT raw_clear_sessions('session', expires => $$to_timestamp(ends, 'DD.MM.YYYY HH24:MI')$$, time_zone => 'UTC');

-- Where nobody sees the text
SELECT raw_clear_sessions('session', expires => '((''("'' || ends || ''")'')::written_zones.ending).at', time_zone => 'UTC');
SELECT raw_clear_sessions('session', expires => '(jsonb_populate_record(NULL::written_zones.ending, jsonb_build_object(''at'', ends))).at', time_zone => 'UTC');

SELECT raw_clear_sessions('session', expires => '((record_in((''("'' || ends || ''")'')::cstring, ''written_zones.ending''::regtype, -1)::text)::written_zones.ending).at', time_zone => 'UTC');

-- A row that comes later than the look at all of them stays.
CREATE FUNCTION add_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO session (ends) SELECT '2020-01-01 00:00:00 UTC-05:00' FROM session HAVING bool_and(ends NOT LIKE '%UTC%');
    RETURN NULL;
END $$;
CREATE TRIGGER add_row AFTER DELETE ON session FOR EACH ROW EXECUTE FUNCTION add_row();
TRUNCATE session;
INSERT INTO session (ends) SELECT '2020-01-01 00:00:00Z' FROM generate_series(1, 5);
CALL raw_clear_sessions_in_batches('session', expires => 'ends::timestamptz', time_zone => 'UTC', batch_size => 1);
SELECT ends FROM session;
DROP SCHEMA written_zones CASCADE;
