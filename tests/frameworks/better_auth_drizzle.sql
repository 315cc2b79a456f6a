-- recognized as: better-auth, Drizzle
-- recipe: [better-auth](better-auth.md#made-by-drizzle)
-- source: variant of better_auth: Drizzle without withTimezone
CREATE TABLE "session" (
    id text PRIMARY KEY,
    expires_at timestamp without time zone NOT NULL,
    token text NOT NULL UNIQUE,
    created_at timestamp without time zone DEFAULT now() NOT NULL,
    updated_at timestamp without time zone NOT NULL,
    ip_address text,
    user_agent text,
    user_id text NOT NULL
);
CREATE INDEX "session_userId_idx" ON "session" (user_id);
