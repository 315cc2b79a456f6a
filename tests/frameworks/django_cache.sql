-- recognized as: Django database cache
-- recipe: [Django](django.md#the-database-cache)
-- source: made by Django 5.2.19
CREATE TABLE cache_table (
    cache_key character varying(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX cache_table_expires ON cache_table (expires);
