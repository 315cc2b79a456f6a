-- recognized as: Rails authentication
-- recipe: [Rails authentication](more.md#rails-authentication)
-- keep: 14 days
-- source: rails/rails@093bde4: railties/lib/rails/generators/rails/authentication/authentication_generator.rb
CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    ip_address character varying,
    user_agent character varying,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);
CREATE INDEX index_sessions_on_user_id ON sessions (user_id);
