-- recognized as: better-auth, timestamp
-- recipe: [better-auth](better-auth.md#made-by-prisma)
-- source: variant of better_auth: Prisma
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
