-- recognized as: Phoenix phx.gen.auth
-- recipe: [Phoenix](phoenix.md)
-- source: phoenixframework/phoenix@167c469: priv/templates/phx.gen.auth/migration.ex
CREATE TABLE users_tokens (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    token bytea NOT NULL,
    context character varying(255) NOT NULL,
    sent_to character varying(255),
    authenticated_at timestamp(0) without time zone,
    inserted_at timestamp(0) without time zone NOT NULL
);
CREATE INDEX users_tokens_user_id_index ON users_tokens (user_id);
CREATE UNIQUE INDEX users_tokens_context_token_index ON users_tokens (context, token);
