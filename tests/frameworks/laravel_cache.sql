-- recognized as: Laravel cache
-- recipe: [Laravel](laravel.md#the-cache-and-its-locks)
CREATE TABLE cache (
    key character varying(255) PRIMARY KEY,
    value text NOT NULL,
    expiration bigint NOT NULL
);
CREATE INDEX cache_expiration_index ON cache (expiration);
