-- recognized as: Flask-Session
-- recipe: [Flask](flask.md)
-- source: made by Flask-Session 0.8.0
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    session_id character varying(255) UNIQUE,
    data bytea,
    expiry timestamp without time zone
);
