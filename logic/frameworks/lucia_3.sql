-- recognized as: Lucia 3
-- A subscription or an API key has these columns too, but hardly these alone.
-- recipe: [Lucia](lucia.md#lucia-3)
-- source: made by @lucia-auth/adapter-postgresql 3.1.2
-- columns: id text, user_id key, expires_at timestamptz
-- further: none
-- expires: expires_at
CREATE TABLE user_session (
    id text PRIMARY KEY,
    expires_at timestamp with time zone NOT NULL,
    user_id text NOT NULL
);
-- rows
INSERT INTO user_session (id, expires_at, user_id) SELECT name, ends, number FROM ending;
