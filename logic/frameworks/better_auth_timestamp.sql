-- recognized as: better-auth, timestamp
-- What its schema makes through Prisma.
-- recipe: [better-auth](better-auth.md#made-by-prisma)
-- source: variant of better_auth: Prisma
-- columns: id key, expiresAt timestamp, token text, createdAt timestamp, updatedAt timestamp, ipAddress text,
--   userAgent text, userId key
-- further: any
-- common: yes
-- expires: expiresAt, any zone
-- note: Drizzle and Prisma write UTC into columns of type timestamp without time zone: time_zone => 'UTC'
CREATE TABLE "session" (
    id text PRIMARY KEY,
    "expiresAt" timestamp(3) without time zone NOT NULL,
    token text NOT NULL UNIQUE,
    "createdAt" timestamp(3) without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    "updatedAt" timestamp(3) without time zone NOT NULL,
    "ipAddress" text,
    "userAgent" text,
    "userId" text NOT NULL
);
CREATE INDEX "session_userId_idx" ON "session" ("userId");
-- rows
INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
SELECT name, ends AT TIME ZONE 'UTC', 'token of ' || name, now(), number FROM ending;
