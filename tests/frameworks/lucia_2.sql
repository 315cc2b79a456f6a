-- recognized as: Lucia 2
-- recipe: [Lucia](lucia.md#lucia-2)
-- source: lucia-auth/lucia@6839299: packages/adapter-postgresql/test/pg/setup.ts, without its attribute
CREATE TABLE user_session (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    active_expires bigint NOT NULL,
    idle_expires bigint NOT NULL
);
