-- recognized as: Django database cache
-- What `createcachetable` makes, under a name of the site's choice.
-- recipe: [Django](django.md#the-database-cache)
-- source: made by Django 5.2.19
-- columns: cache_key text, value text, expires timestamptz
-- named: cache
-- expires: expires
CREATE TABLE cache_table (
    cache_key character varying(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX cache_table_expires ON cache_table (expires);
-- rows
INSERT INTO cache_table (cache_key, value, expires) SELECT ':1:' || name, 'gAWVAA==', date_trunc('second', ends) FROM ending;
-- endless: timeout=None
INSERT INTO cache_table (cache_key, value, expires) VALUES (':1:endless', 'gAWVAA==', '9999-12-31 23:59:59+00');
