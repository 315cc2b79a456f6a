-- recognized as: async-sqlx-session
-- recipe: [async-sqlx-session](more.md#async-sqlx-session)
-- source: made by async-sqlx-session 0.4.0
-- columns: id text, expires timestamptz, session data
-- further: none
-- expires: expires
CREATE TABLE async_sessions (
    id character varying NOT NULL PRIMARY KEY,
    expires timestamp with time zone,
    session text NOT NULL
);
-- rows
INSERT INTO async_sessions SELECT name, ends, '{}' FROM ending;
