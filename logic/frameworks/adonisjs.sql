-- recognized as: AdonisJS
-- recipe: [AdonisJS](more.md#adonisjs)
-- source: made by @adonisjs/session 8.1.0
-- columns: id text, data text, user_id text, expires_at timestamptz
-- further: none
-- expires: expires_at
CREATE TABLE sessions (
    id character varying(255) NOT NULL PRIMARY KEY,
    data text NOT NULL,
    user_id character varying(255),
    expires_at timestamp with time zone NOT NULL
);
CREATE INDEX sessions_user_id_index ON sessions (user_id);
CREATE INDEX sessions_expires_at_index ON sessions (expires_at);
-- rows
INSERT INTO sessions (id, data, expires_at) SELECT name, '{}', ends FROM ending;
