INSERT INTO cache (key, value, expiration) SELECT 'laravel_cache_' || name, 'i:1;', extract(epoch FROM ends) FROM ending;
