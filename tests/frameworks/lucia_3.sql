-- recognized as: Lucia 3
-- recipe: [Lucia](lucia.md#lucia-3)
-- source: made by @lucia-auth/adapter-postgresql 3.1.2
CREATE TABLE user_session (
    id text PRIMARY KEY,
    expires_at timestamp with time zone NOT NULL,
    user_id text NOT NULL
);
