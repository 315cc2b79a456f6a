-- recognized as: Flask-Session
-- recipe: [Flask](flask.md)
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    session_id character varying(255) UNIQUE,
    data bytea,
    expiry timestamp without time zone
);
