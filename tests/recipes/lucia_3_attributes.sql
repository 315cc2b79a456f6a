CREATE TABLE user_session (
    id text PRIMARY KEY,
    expires_at timestamp with time zone NOT NULL,
    user_id text NOT NULL,
    country text
);
-- rows
INSERT INTO user_session (id, expires_at, user_id, country) SELECT name, ends, number, 'nz' FROM ending;
