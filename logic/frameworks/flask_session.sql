-- recognized as: Flask-Session
-- recipe: [Flask](flask.md)
-- source: made by Flask-Session 0.8.0
-- columns: id integer, session_id text, data bytea, expiry timestamp
-- further: none
-- expires: expiry, UTC
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    session_id character varying(255) UNIQUE,
    data bytea,
    expiry timestamp without time zone
);
-- rows
INSERT INTO sessions (session_id, data, expiry) SELECT 'session:' || name, '\x80', ends AT TIME ZONE 'UTC' FROM ending;
