-- recognized as: Roundcube cache
-- recipe: [Roundcube cache](more.md#roundcube-cache)
-- source: roundcube/roundcubemail@00814f7: SQL/postgres.initial.sql
CREATE TABLE cache_shared (
    cache_key character varying(255) NOT NULL PRIMARY KEY,
    expires timestamp with time zone,
    data text NOT NULL
);
CREATE INDEX cache_shared_expires_idx ON cache_shared (expires);
