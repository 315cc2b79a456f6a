-- recognized as: connect-pg-simple
-- Stores `to_timestamp(…)` in a timestamp without time zone: in the zone of the client's session.
-- recipe: [Express](express.md#connect-pg-simple)
-- source: made by connect-pg-simple 10.0.0
-- columns: sid text, sess json, expire timestamp
-- expires: expire, any zone
CREATE TABLE "session" (
    sid character varying NOT NULL,
    sess json NOT NULL,
    expire timestamp(6) without time zone NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (sid)
);
CREATE INDEX "IDX_session_expire" ON "session" (expire);
-- rows
-- The cast is done in the time zone of the connection.
SET timezone = 'UTC';
INSERT INTO session (sid, sess, expire) SELECT name, '{}', to_timestamp(extract(epoch FROM ends)) FROM ending;
