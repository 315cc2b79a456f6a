-- recognized as: Roundcube cache
-- recipe: [Roundcube cache](more.md#roundcube-cache)
-- source: roundcube/roundcubemail@00814f7: SQL/postgres.initial.sql
-- columns: cache_key text, expires timestamptz, data text
-- also: user_id integer
-- further: none
-- named: cache
-- expires: expires
CREATE TABLE cache_shared (
    cache_key character varying(255) NOT NULL PRIMARY KEY,
    expires timestamp with time zone,
    data text NOT NULL
);
CREATE INDEX cache_shared_expires_idx ON cache_shared (expires);
-- rows
INSERT INTO cache_shared SELECT name, ends, '' FROM ending;
