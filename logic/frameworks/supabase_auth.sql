-- recognized as: Supabase Auth
-- recipe: [Supabase Auth](supabase.md)
-- source: supabase/auth@bc32168: migrations
-- columns: id uuid, user_id uuid, factor_id uuid, not_after timestamptz, refreshed_at timestamp
-- also: refresh_token_hmac_key text, refresh_token_counter integer
-- expires: not_after
-- note: Supabase Auth itself keeps a session for 72 hours past not_after, to revoke its refresh tokens first: keep =>
--   '72 hours'
-- keep: 72 hours
CREATE TYPE aal_level AS ENUM ('aal1', 'aal2', 'aal3');
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    factor_id uuid,
    aal aal_level,
    not_after timestamp with time zone,
    refreshed_at timestamp without time zone,
    user_agent text,
    ip inet,
    tag text,
    oauth_client_id uuid,
    refresh_token_hmac_key text,
    refresh_token_counter bigint,
    scopes text CHECK (char_length(scopes) <= 4096)
);
CREATE INDEX sessions_not_after_idx ON sessions (not_after DESC);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX user_id_created_at_idx ON sessions (user_id, created_at);

CREATE TABLE refresh_tokens (
    id bigserial PRIMARY KEY,
    session_id uuid REFERENCES sessions (id) ON DELETE CASCADE
);
-- rows
-- not_after, and then the 72 hours that Supabase Auth keeps a session past it
INSERT INTO sessions (id, user_id, created_at, updated_at, not_after)
SELECT md5(name)::uuid, md5('user')::uuid, now(), now(), ends - interval '72 hours' FROM ending;
INSERT INTO refresh_tokens (session_id) SELECT md5(name)::uuid FROM ending;
-- endless
INSERT INTO sessions (id, user_id, created_at, updated_at, not_after)
VALUES (md5('endless')::uuid, md5('user')::uuid, '2020-01-01', '2020-01-01', NULL);
