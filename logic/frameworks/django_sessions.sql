-- recognized as: Django sessions
-- The backends `db` and `cached_db`; a model of one's own adds columns to these.
-- recipe: [Django](django.md)
-- source: made by Django 5.2.19
-- columns: session_key text, session_data text, expire_date timestamptz
-- further: any
-- expires: expire_date
CREATE TABLE django_session (
    session_key character varying(40) NOT NULL PRIMARY KEY,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);
CREATE INDEX django_session_session_key_like ON django_session (session_key varchar_pattern_ops);
CREATE INDEX django_session_expire_date ON django_session (expire_date);
-- rows
INSERT INTO django_session (session_key, session_data, expire_date) SELECT name, 'eyJ9', ends FROM ending;
