-- recognized as: Auth.js, timestamp
-- recipe: [Auth.js](authjs.md#adapters-for-drizzle-and-prisma)
-- source: made by @auth/drizzle-adapter 1.11.3
CREATE TABLE "session" (
    "sessionToken" text PRIMARY KEY,
    "userId" text NOT NULL,
    expires timestamp without time zone NOT NULL
);
