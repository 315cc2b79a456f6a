-- recognized as: Laravel cache locks
-- recipe: [Laravel](laravel.md#the-cache-and-its-locks)
-- source: laravel/framework@bd71b45: src/Illuminate/Cache/Console/stubs/cache.stub
CREATE TABLE cache_locks (
    key character varying(255) PRIMARY KEY,
    owner character varying(255) NOT NULL,
    expiration bigint NOT NULL
);
CREATE INDEX cache_locks_expiration_index ON cache_locks (expiration);
