-- recognized as: Auth.js, snake case
-- recipe: [Auth.js](more.md#authjs-snake-case)
-- source: made by @auth/sequelize-adapter 2.11.3
-- columns: session_token token, user_id key, expires timestamptz
-- also: id key
-- common: yes
-- expires: expires
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    expires timestamp with time zone NOT NULL,
    session_token character varying(255) NOT NULL UNIQUE,
    user_id uuid
);
-- rows
INSERT INTO sessions (id, expires, session_token) SELECT md5(name)::uuid, ends, name FROM ending;
