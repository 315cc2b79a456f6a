-- recognized as: connect-pg-simple, timestamptz
-- recipe: [connect-pg-simple](more.md#connect-pg-simple-timestamptz)
-- source: variant of connect_pg_simple: made by hand
-- columns: sid text, sess json, expire timestamptz
-- expires: expire
CREATE TABLE "session" (
    sid character varying NOT NULL PRIMARY KEY,
    sess jsonb NOT NULL,
    expire timestamp with time zone NOT NULL
);
CREATE INDEX session_expire_idx ON "session" (expire);
-- rows
INSERT INTO "session" SELECT name, '{}', ends FROM ending;
