-- recognized as: Auth.js, snake case
-- recipe: [Auth.js](more.md#authjs-snake-case)
-- source: made by @auth/sequelize-adapter 2.11.3
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    expires timestamp with time zone NOT NULL,
    session_token character varying(255) NOT NULL UNIQUE,
    user_id uuid
);
