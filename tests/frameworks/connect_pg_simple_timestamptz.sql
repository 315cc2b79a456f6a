-- recognized as: connect-pg-simple, timestamptz
-- recipe: [connect-pg-simple](more.md#connect-pg-simple-timestamptz)
-- source: variant of connect_pg_simple: made by hand
CREATE TABLE "session" (
    sid character varying NOT NULL PRIMARY KEY,
    sess jsonb NOT NULL,
    expire timestamp with time zone NOT NULL
);
CREATE INDEX session_expire_idx ON "session" (expire);
