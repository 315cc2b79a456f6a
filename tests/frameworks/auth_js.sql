-- recognized as: Auth.js
-- recipe: [Auth.js](authjs.md)
-- source: made by @auth/pg-adapter 1.11.3
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    "userId" integer NOT NULL,
    expires timestamp with time zone NOT NULL,
    "sessionToken" character varying(255) NOT NULL
);
