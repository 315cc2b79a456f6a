-- recognized as: tower-sessions
-- recipe: [tower-sessions](tower-sessions.md)
-- source: made by tower-sessions-sqlx-store 0.15.0
CREATE TABLE "session" (
    id text NOT NULL PRIMARY KEY,
    data bytea NOT NULL,
    expiry_date timestamp with time zone NOT NULL
);
