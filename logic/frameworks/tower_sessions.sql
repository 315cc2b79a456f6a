-- recognized as: tower-sessions
-- Rust: tower-sessions-sqlx-store.
-- recipe: [tower-sessions](tower-sessions.md)
-- source: made by tower-sessions-sqlx-store 0.15.0
-- columns: id text, data bytea, expiry_date timestamptz
-- further: none
-- expires: expiry_date
CREATE TABLE "session" (
    id text NOT NULL PRIMARY KEY,
    data bytea NOT NULL,
    expiry_date timestamp with time zone NOT NULL
);
-- rows
INSERT INTO session (id, data, expiry_date) SELECT name, '\x93', ends FROM ending;
