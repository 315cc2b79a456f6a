-- recognized as: Auth.js, timestamp
-- The adapters for Drizzle and Prisma, and tables of one's own.
-- recipe: [Auth.js](authjs.md#adapters-for-drizzle-and-prisma)
-- source: made by @auth/drizzle-adapter 1.11.3
-- columns: sessionToken token, userId key, expires timestamp
-- also: id key
-- common: yes
-- expires: expires, any zone
-- note: Drizzle and Prisma write UTC into columns of type timestamp without time zone: time_zone => 'UTC'
CREATE TABLE "session" (
    "sessionToken" text PRIMARY KEY,
    "userId" text NOT NULL,
    expires timestamp without time zone NOT NULL
);
-- rows
INSERT INTO session ("sessionToken", "userId", expires) SELECT name, number, ends AT TIME ZONE 'UTC' FROM ending;
