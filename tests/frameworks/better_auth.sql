-- recognized as: better-auth
-- recipe: [better-auth](better-auth.md)
-- source: made by better-auth 1.7.25
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
