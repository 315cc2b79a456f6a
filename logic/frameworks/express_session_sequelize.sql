-- recognized as: express-session-sequelize
-- recipe: [express-session-sequelize](more.md#express-session-sequelize)
-- source: made by express-session-sequelize 2.3.0
-- columns: session_id text, expires timestamptz, data text
-- also: createdAt timestamptz, updatedAt timestamptz
-- further: none
-- expires: expires
CREATE TABLE "Sessions" (
    session_id character varying(32) PRIMARY KEY,
    expires timestamp with time zone,
    data text,
    "createdAt" timestamp with time zone NOT NULL,
    "updatedAt" timestamp with time zone NOT NULL
);
-- rows
INSERT INTO "Sessions" (session_id, expires, data, "createdAt", "updatedAt") SELECT name, ends, '{}', now(), now() FROM ending;
-- endless
INSERT INTO "Sessions" (session_id, expires, data, "createdAt", "updatedAt") VALUES ('endless', NULL, '{}', now(), now());
