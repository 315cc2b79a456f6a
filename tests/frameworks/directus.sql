-- recognized as: Directus
-- recipe: [Directus](more.md#directus)
-- source: directus/directus@308ede3: api/src/database/seeds/12-sessions.yaml, and migrations/20211211A, 20240515A and later
CREATE TABLE directus_sessions (
    token character varying(64) NOT NULL PRIMARY KEY,
    "user" uuid,
    expires timestamp with time zone NOT NULL,
    ip character varying(255),
    user_agent text,
    share uuid,
    origin character varying(255),
    next_token character varying(64),
    oauth_client character varying(255)
);
