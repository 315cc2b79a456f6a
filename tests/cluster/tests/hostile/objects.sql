-- What the statements of this test are thrown at. Every table that can be cleared has the columns and the rows of
-- f.plain, so that every rule can be tried on each.

CREATE ROLE f_owner;
CREATE ROLE f_deleter;
CREATE ROLE f_delete_only;
CREATE ROLE f_column;
CREATE ROLE f_reader;
CREATE ROLE f_none;
CREATE ROLE f_member IN ROLE f_owner;
CREATE ROLE f_noinherit NOINHERIT IN ROLE f_owner;

CREATE SCHEMA f AUTHORIZATION f_owner;
GRANT USAGE ON SCHEMA f TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA f GRANT SELECT, DELETE ON TABLES TO f_deleter;
ALTER DEFAULT PRIVILEGES IN SCHEMA f GRANT DELETE ON TABLES TO f_delete_only, f_column;
ALTER DEFAULT PRIVILEGES IN SCHEMA f GRANT SELECT ON TABLES TO f_reader;
SET search_path = f;

CREATE DOMAIN instant AS timestamptz CHECK (VALUE > '0001-01-01');
CREATE DOMAIN nested AS instant;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a integer, b timestamptz);
CREATE FUNCTION volatile(timestamptz) RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE FUNCTION stable(timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION failing(integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE 'no %', $1; END $$;

CREATE TABLE plain (
    id integer PRIMARY KEY,
    dropped text,
    txt text,
    at timestamptz,
    naive timestamp,
    day date,
    secs bigint,
    i4 integer,
    millis bigint,
    micros bigint,
    f8 double precision,
    num numeric,
    dom nested,
    small smallint,
    mood mood DEFAULT 'ok',
    pair pair,
    arr timestamptz[],
    "Odd ""col'umn\" timestamptz,
    "select" timestamptz,
    gen bigint GENERATED ALWAYS AS (secs * 1000) STORED
);
ALTER TABLE plain DROP COLUMN dropped;

-- The rows: so many days from now; most have a pair of each kind. None is near a cut-off.
CREATE FUNCTION fill(target text) RETURNS void LANGUAGE plpgsql AS $fill$
BEGIN
    EXECUTE format($$
        INSERT INTO %s (id, txt, at, naive, day, secs, i4, millis, micros, f8, num, dom, "Odd ""col'umn\", "select")
        SELECT n, CASE WHEN n %% 3 = 0 THEN 'it''s' ELSE n::text END, i, i AT TIME ZONE 'UTC', (i AT TIME ZONE 'UTC')::date,
            s, s::integer, s * 1000, s * 1000000, s::float8, s::numeric, i, i, i
        FROM unnest(ARRAY[-4000, -400, -400, -40, -40, -20, -20, -2, -2, 3, 3, 20, 400, 400])
                WITH ORDINALITY AS d(days, n),
            LATERAL (SELECT date_trunc('hour', clock_timestamp()) + days * interval '24 hours' AS i) AS i,
            LATERAL (SELECT extract(epoch FROM i)::bigint AS s) AS s
        UNION ALL
        SELECT 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        UNION ALL
        SELECT 101, '', 'infinity', 'infinity', 'infinity', 0, 0, 0, 0, 'infinity', 'infinity', 'infinity', 'infinity', 'infinity'
        UNION ALL
        SELECT 102, '', '-infinity', '-infinity', '-infinity', NULL, 2147483647, 9223372036854775807, NULL, 'nan', 'nan', NULL,
            '-infinity', '-infinity'
    $$, target);
END
$fill$;

CREATE TABLE indexed (LIKE plain INCLUDING ALL);
CREATE INDEX ON indexed (at);
CREATE INDEX ON indexed (naive DESC NULLS LAST);
CREATE INDEX ON indexed (day, id);
CREATE INDEX ON indexed (secs) WHERE id > 3;
CREATE INDEX ON indexed (i4);
CREATE INDEX ON indexed (f8);
CREATE INDEX ON indexed ((naive + interval '0'));
CREATE INDEX ON indexed USING brin (dom);
CREATE INDEX ON indexed USING hash (millis);

CREATE UNLOGGED TABLE unlogged (LIKE plain INCLUDING ALL);

CREATE TABLE ranged (LIKE plain INCLUDING GENERATED INCLUDING DEFAULTS) PARTITION BY RANGE (at);
CREATE TABLE ranged_old PARTITION OF ranged FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE ranged_later PARTITION OF ranged FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE TABLE ranged_default PARTITION OF ranged DEFAULT;
CREATE INDEX ON ranged (at);
CREATE TABLE listed (LIKE plain INCLUDING GENERATED INCLUDING DEFAULTS) PARTITION BY LIST (id);
-- Another order of columns, and one that was dropped.
CREATE TABLE listed_few (before text, LIKE plain INCLUDING GENERATED INCLUDING DEFAULTS);
ALTER TABLE listed_few DROP COLUMN before;
ALTER TABLE listed ATTACH PARTITION listed_few FOR VALUES IN (1, 2, 3, 4, 5, 100);
CREATE TABLE listed_hashed PARTITION OF listed DEFAULT PARTITION BY HASH (id);
CREATE TABLE listed_hashed_0 PARTITION OF listed_hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE listed_hashed_1 PARTITION OF listed_hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE empty_partitioned (LIKE plain) PARTITION BY LIST (id);

CREATE TABLE parent (LIKE plain INCLUDING GENERATED INCLUDING DEFAULTS);
CREATE TABLE child (more text) INHERITS (parent);

CREATE TABLE added (id integer PRIMARY KEY);
INSERT INTO added SELECT generate_series(200, 210);
ALTER TABLE added ADD at timestamptz DEFAULT '2020-01-01', ADD naive timestamp DEFAULT '2020-01-01', ADD day date DEFAULT '2199-01-01',
    ADD secs bigint DEFAULT 1577836800, ADD i4 integer DEFAULT 0, ADD millis bigint, ADD micros bigint, ADD f8 float8 DEFAULT 1577836800,
    ADD num numeric DEFAULT 1577836800, ADD dom nested DEFAULT 'infinity', ADD small smallint, ADD mood mood, ADD pair pair, ADD txt text,
    ADD arr timestamptz[], ADD "Odd ""col'umn\" timestamptz, ADD "select" timestamptz DEFAULT '2020-01-01', ADD gen bigint;

CREATE TABLE triggered (LIKE plain INCLUDING ALL);
CREATE FUNCTION keep_even() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN OLD.id % 2 = 0 THEN NULL ELSE OLD END; END $$;
CREATE TRIGGER keep_even BEFORE DELETE ON triggered FOR EACH ROW EXECUTE FUNCTION keep_even();
CREATE TABLE statements (LIKE plain INCLUDING ALL);
CREATE TABLE statements_log (n bigint);
CREATE FUNCTION log_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN INSERT INTO f.statements_log SELECT count(*) FROM gone; RETURN NULL; END $$;
CREATE TRIGGER log AFTER DELETE ON statements REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION log_statement();
CREATE TABLE nothing (LIKE plain INCLUDING ALL);
CREATE RULE nothing AS ON DELETE TO nothing DO INSTEAD NOTHING;
CREATE TABLE referenced (LIKE plain INCLUDING ALL);
CREATE TABLE referencing (id integer REFERENCES referenced ON DELETE CASCADE);
CREATE TABLE restricted (LIKE plain INCLUDING ALL);
CREATE TABLE restricting (id integer REFERENCES restricted DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE secured (LIKE plain INCLUDING ALL);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON secured FOR SELECT USING (id % 2 = 0);
CREATE POLICY deleting ON secured FOR DELETE TO f_deleter, f_delete_only USING (id % 4 = 0);
CREATE TABLE forced (LIKE plain INCLUDING ALL);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON forced USING (stable(at) < now() OR id > 3);
CREATE TABLE published (LIKE plain INCLUDING GENERATED INCLUDING DEFAULTS);
CREATE PUBLICATION f_published FOR TABLE published;
CREATE TABLE typed OF pair;
CREATE TABLE columnless ();

CREATE TABLE remote_base (LIKE plain INCLUDING ALL);
CREATE FOREIGN TABLE remote (
    id integer, txt text, at timestamptz, naive timestamp, day date, secs bigint, i4 integer, millis bigint, micros bigint,
    f8 double precision, num numeric, dom nested, small smallint, mood mood, pair pair, arr timestamptz[],
    "Odd ""col'umn\" timestamptz, "select" timestamptz, gen bigint
) SERVER loopback OPTIONS (table_name 'remote_base');

CREATE TABLE "Odd ""t'able\; -- $1 %s {} ä" (LIKE plain INCLUDING ALL);
CREATE TABLE "ein Name von genau dreiundsechzig Bytes, wie PostgreSQL sie kürzt" (LIKE plain INCLUDING ALL);
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
INSERT INTO django_session SELECT n, '', now() + CASE WHEN n % 2 = 0 THEN -1 ELSE 1 END * interval '2 days' FROM generate_series(1, 10) AS n;

CREATE VIEW viewed AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW materialized AS SELECT * FROM plain;
CREATE SEQUENCE numbers;

-- Ways to be called.
CREATE TABLE fire (code text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('f.n', f.evaluate(NEW.code), true); RETURN NULL; END $$;
CREATE FUNCTION evaluate(code text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE n text; BEGIN EXECUTE 'SELECT ' || code INTO n; RETURN n; END $$;
CREATE FUNCTION as_owner(code text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT f.evaluate(code)';
CREATE TRIGGER fire AFTER INSERT ON fire FOR EACH ROW EXECUTE FUNCTION fire();
ALTER TABLE fire ENABLE ALWAYS TRIGGER fire;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'f'::regnamespace AND relkind IN ('r', 'p', 'f', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO f_owner', name);
    END LOOP;
    FOR name IN SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attname = 'day' AND NOT attisdropped
        WHERE relnamespace = 'f'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND relname NOT IN ('added', 'child', 'empty_partitioned') LOOP
        PERFORM f.fill(name);
        EXECUTE format('GRANT SELECT (id, at, secs, naive) ON %s TO f_column', name);
    END LOOP;
END
$$;
INSERT INTO child (id, at, secs, naive, day) VALUES (300, '2020-01-01', 1577836800, '2020-01-01', '2020-01-01'), (301, '2199-01-01', NULL, 'infinity', NULL);
INSERT INTO referencing VALUES (1), (9), (100);
INSERT INTO restricting VALUES (4), (9);
ALTER FUNCTION as_owner(text) OWNER TO f_owner;
GRANT ALL ON fire TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA f TO PUBLIC;
ANALYZE plain, indexed, ranged, listed;
