-- recognized as: connect-session-sequelize
-- recipe: [Express](express.md#connect-session-sequelize)
-- source: made by connect-session-sequelize 7.1.7
-- columns: sid text, expires timestamptz, data text
-- also: createdAt timestamptz, updatedAt timestamptz, userId key
-- further: none
-- expires: expires
CREATE TABLE "Sessions" (
    sid character varying(36) PRIMARY KEY,
    expires timestamp with time zone,
    data text,
    "createdAt" timestamp with time zone NOT NULL,
    "updatedAt" timestamp with time zone NOT NULL
);
-- rows
INSERT INTO "Sessions" (sid, expires, data, "createdAt", "updatedAt") SELECT name, ends, '{}', now(), now() FROM ending;
-- endless
INSERT INTO "Sessions" (sid, expires, data, "createdAt", "updatedAt") VALUES ('endless', NULL, '{}', now(), now());
