-- recognized as: Laravel cache
-- recipe: [Laravel](laravel.md#the-cache-and-its-locks)
-- source: laravel/framework@bd71b45: src/Illuminate/Cache/Console/stubs/cache.stub
-- columns: key text, value text, expiration integer
-- further: none
-- named: cache, caches
-- expires: expiration, seconds
CREATE TABLE cache (
    key character varying(255) PRIMARY KEY,
    value text NOT NULL,
    expiration bigint NOT NULL
);
CREATE INDEX cache_expiration_index ON cache (expiration);
-- rows
INSERT INTO cache (key, value, expiration) SELECT 'laravel_cache_' || name, 'i:1;', extract(epoch FROM ends) FROM ending;
