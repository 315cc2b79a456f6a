-- recognized as: Laravel cache locks
-- recipe: [Laravel](laravel.md#the-cache-and-its-locks)
-- source: laravel/framework@bd71b45: src/Illuminate/Cache/Console/stubs/cache.stub
-- columns: key text, owner text, expiration integer
-- further: none
-- named: cache_locks, cache_lock
-- expires: expiration, seconds
CREATE TABLE cache_locks (
    key character varying(255) PRIMARY KEY,
    owner character varying(255) NOT NULL,
    expiration bigint NOT NULL
);
CREATE INDEX cache_locks_expiration_index ON cache_locks (expiration);
-- rows
INSERT INTO cache_locks (key, owner, expiration) SELECT 'laravel_cache_' || name, 'web1', extract(epoch FROM ends) FROM ending;
