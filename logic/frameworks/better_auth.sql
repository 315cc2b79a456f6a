-- recognized as: better-auth
-- What its own migration makes.
-- recipe: [better-auth](better-auth.md)
-- source: made by better-auth 1.7.25
-- columns: id key, expiresAt timestamptz, token text, createdAt timestamptz, updatedAt timestamptz, ipAddress text,
--   userAgent text, userId key
-- further: any
-- common: yes
-- expires: expiresAt
CREATE TABLE "session" (
    id text PRIMARY KEY,
    "expiresAt" timestamp with time zone NOT NULL,
    token text NOT NULL UNIQUE,
    "createdAt" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    "updatedAt" timestamp with time zone NOT NULL,
    "ipAddress" text,
    "userAgent" text,
    "userId" text NOT NULL
);
CREATE INDEX "session_userId_idx" ON "session" ("userId");
-- rows
INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId") SELECT name, ends, 'token of ' || name, now(), number FROM ending;
