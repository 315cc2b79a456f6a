INSERT INTO cache_locks (key, owner, expiration) SELECT 'laravel_cache_' || name, 'web1', extract(epoch FROM ends) FROM ending;
