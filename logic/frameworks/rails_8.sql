-- recognized as: Rails authentication
-- recipe: [Rails authentication](more.md#rails-authentication)
-- source: rails/rails@093bde4: railties/lib/rails/generators/rails/authentication/authentication_generator.rb
-- columns: user_id key, ip_address text, user_agent text, created_at timestamp, updated_at timestamp
-- also: id key
-- common: yes
-- expires: updated_at, UTC
-- since: last activity
-- keep: 14 days
CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    ip_address character varying,
    user_agent character varying,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);
CREATE INDEX index_sessions_on_user_id ON sessions (user_id);
-- rows
INSERT INTO sessions (user_id, created_at, updated_at) SELECT number, (ends - interval '14 days') AT TIME ZONE 'UTC', (ends - interval '14 days') AT TIME ZONE 'UTC' FROM ending;
