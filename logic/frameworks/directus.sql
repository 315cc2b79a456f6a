-- recognized as: Directus
-- recipe: [Directus](more.md#directus)
-- source: directus/directus@308ede3: api/src/database/seeds/12-sessions.yaml, and migrations/20211211A, 20240515A and later
-- columns: token text, user uuid, expires timestamptz, ip text, user_agent text
-- also: share uuid, origin text, next_token text, oauth_client text
-- common: yes
-- expires: expires
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
-- rows
INSERT INTO directus_sessions (token, expires) SELECT name, ends FROM ending;
