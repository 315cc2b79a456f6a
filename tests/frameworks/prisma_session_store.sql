-- recognized as: prisma-session-store
-- recipe: [prisma-session-store](more.md#prisma-session-store)
-- source: unread: @quixo3/prisma-session-store, README.md
CREATE TABLE "Session" (
    id text NOT NULL PRIMARY KEY,
    sid text NOT NULL UNIQUE,
    data text NOT NULL,
    "expiresAt" timestamp(3) without time zone NOT NULL
);
