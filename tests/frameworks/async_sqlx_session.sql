-- recognized as: async-sqlx-session
-- recipe: [async-sqlx-session](more.md#async-sqlx-session)
CREATE TABLE async_sessions (
    id character varying NOT NULL PRIMARY KEY,
    expires timestamp with time zone,
    session text NOT NULL
);
