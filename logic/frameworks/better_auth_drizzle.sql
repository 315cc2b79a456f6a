-- recognized as: better-auth, Drizzle
-- What its schema makes through Drizzle. Tables of one's own look the same, which is why the zone is not assumed.
-- recipe: [better-auth](better-auth.md#made-by-drizzle)
-- source: variant of better_auth: Drizzle without withTimezone
-- columns: id key, expires_at timestamp, token text, created_at timestamp, updated_at timestamp, ip_address text,
--   user_agent text, user_id key
-- further: any
-- common: yes
-- expires: expires_at, any zone
-- note: Drizzle and Prisma write UTC into columns of type timestamp without time zone: time_zone => 'UTC'
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
-- rows
INSERT INTO session (id, expires_at, token, updated_at, user_id)
SELECT name, ends AT TIME ZONE 'UTC', 'token of ' || name, now(), number FROM ending;
