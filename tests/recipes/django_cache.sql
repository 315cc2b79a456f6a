INSERT INTO cache_table (cache_key, value, expires) SELECT ':1:' || name, 'gAWVAA==', date_trunc('second', ends) FROM ending;
-- endless: timeout=None
INSERT INTO cache_table (cache_key, value, expires) VALUES (':1:endless', 'gAWVAA==', '9999-12-31 23:59:59+00');
