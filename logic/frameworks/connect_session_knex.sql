-- recognized as: connect-session-knex
-- recipe: [Express](express.md#connect-session-knex)
-- source: made by connect-session-knex 5.0.0
-- columns: sid text, sess json, expired timestamptz
-- expires: expired
CREATE TABLE sessions (
    sid character varying(255) NOT NULL,
    sess json NOT NULL,
    expired timestamp with time zone NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (sid)
);
CREATE INDEX sessions_expired_index ON sessions (expired);
-- rows
INSERT INTO sessions (sid, sess, expired) SELECT name, '{}', ends FROM ending;
