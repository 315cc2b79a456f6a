-- recognized as: better-auth, snake case
-- recipe: [better-auth](more.md#better-auth-snake-case)
-- source: made by better-auth 1.7.25
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
