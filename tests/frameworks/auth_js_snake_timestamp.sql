-- recognized as: Auth.js, snake case, timestamp
-- recipe: [Auth.js](more.md#authjs-snake-case-timestamp)
-- source: variant of auth_js_snake: Prisma with @map
CREATE TABLE sessions (
    id text NOT NULL PRIMARY KEY,
    session_token text NOT NULL UNIQUE,
    user_id text NOT NULL,
    expires timestamp(3) without time zone NOT NULL
);
