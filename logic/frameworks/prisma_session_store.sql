-- recognized as: prisma-session-store
-- recipe: [prisma-session-store](more.md#prisma-session-store)
-- source: kleydon/prisma-session-store@84d0a80: README.md
-- columns: id text, sid text, data text, expiresAt timestamp
-- further: none
-- expires: expiresAt, UTC
CREATE TABLE "Session" (
    id text NOT NULL PRIMARY KEY,
    sid text NOT NULL UNIQUE,
    data text NOT NULL,
    "expiresAt" timestamp(3) without time zone NOT NULL
);
-- rows
INSERT INTO "Session" SELECT name, name, '{}', ends AT TIME ZONE 'UTC' FROM ending;
