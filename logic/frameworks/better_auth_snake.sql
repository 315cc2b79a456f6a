-- recognized as: better-auth, snake case
-- recipe: [better-auth](more.md#better-auth-snake-case)
-- source: made by better-auth 1.7.25
-- columns: id key, expires_at timestamptz, token text, created_at timestamptz, updated_at timestamptz, ip_address
--   text, user_agent text, user_id key
-- further: any
-- common: yes
-- expires: expires_at
CREATE TABLE "session" (
    id text NOT NULL PRIMARY KEY,
    expires_at timestamp with time zone NOT NULL,
    token text NOT NULL UNIQUE,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    ip_address text,
    user_agent text,
    user_id text NOT NULL
);
-- rows
INSERT INTO "session" (id, expires_at, token, updated_at, user_id) SELECT name, ends, name, now(), number FROM ending;
