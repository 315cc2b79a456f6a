-- recognized as: Auth.js
-- The adapters for node-postgres and Kysely.
-- recipe: [Auth.js](authjs.md)
-- source: made by @auth/pg-adapter 1.11.3
-- columns: sessionToken token, userId key, expires timestamptz
-- also: id key
-- common: yes
-- expires: expires
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    "userId" integer NOT NULL,
    expires timestamp with time zone NOT NULL,
    "sessionToken" character varying(255) NOT NULL
);
-- rows
INSERT INTO sessions ("userId", expires, "sessionToken") SELECT number, ends, name FROM ending;
