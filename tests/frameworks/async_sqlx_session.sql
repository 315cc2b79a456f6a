-- recognized as: async-sqlx-session
-- recipe: [async-sqlx-session](more.md#async-sqlx-session)
-- source: made by async-sqlx-session 0.4.0
CREATE TABLE async_sessions (
    id character varying NOT NULL PRIMARY KEY,
    expires timestamp with time zone,
    session text NOT NULL
);
