-- recognized as: Auth.js, snake case, timestamp
-- recipe: [Auth.js](more.md#authjs-snake-case-timestamp)
-- source: variant of auth_js_snake: Prisma with @map
-- columns: session_token token, user_id key, expires timestamp
-- also: id key
-- common: yes
-- expires: expires, any zone
-- note: Drizzle and Prisma write UTC into columns of type timestamp without time zone: time_zone => 'UTC'
CREATE TABLE sessions (
    id text NOT NULL PRIMARY KEY,
    session_token text NOT NULL UNIQUE,
    user_id text NOT NULL,
    expires timestamp(3) without time zone NOT NULL
);
-- rows
INSERT INTO sessions (id, session_token, user_id, expires) SELECT name, name, number, ends AT TIME ZONE 'UTC' FROM ending;
