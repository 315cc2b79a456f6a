-- recognized as: Phoenix phx.gen.auth, timestamptz
-- Elixir. Tokens for other purposes are in the same table, and live for minutes or days.
-- recipe: [Phoenix](phoenix.md)
-- source: phoenixframework/phoenix@167c469: priv/templates/phx.gen.auth/migration.ex; variant of phoenix:
--   migration_timestamps: [type: :timestamptz]
-- columns: token bytea, context text, sent_to text, inserted_at timestamptz
-- also: id key, authenticated_at time, user_id key, account_id key, admin_id key, customer_id key, member_id key
-- named: token, tokens
-- expires: inserted_at
-- since: creation, usually 14 days
-- filter: context = 'session'
CREATE TABLE users_tokens (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    token bytea NOT NULL,
    context character varying(255) NOT NULL,
    sent_to character varying(255),
    authenticated_at timestamp(0) with time zone,
    inserted_at timestamp(0) with time zone NOT NULL
);
CREATE INDEX users_tokens_user_id_index ON users_tokens (user_id);
CREATE UNIQUE INDEX users_tokens_context_token_index ON users_tokens (context, token);
-- rows
INSERT INTO users_tokens (user_id, token, context, inserted_at)
SELECT number, convert_to(name, 'UTF8'), 'session', ends - interval '14 days' FROM ending;
-- endless: a token for another purpose, with a lifetime of its own
INSERT INTO users_tokens (user_id, token, context, sent_to, inserted_at)
VALUES (1, 'endless', 'reset_password', 'somebody@example.com', '2020-01-01');
