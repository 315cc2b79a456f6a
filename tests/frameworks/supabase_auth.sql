-- recognized as: Supabase Auth
-- recipe: [Supabase Auth](supabase.md)
-- keep: 72 hours
-- source: supabase/auth@bc32168: migrations
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
