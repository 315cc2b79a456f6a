-- recognized as: Lucia 2
-- The active period ends earlier, but until the idle period has ended the session can be renewed.
-- recipe: [Lucia](lucia.md#lucia-2)
-- source: lucia-auth/lucia@6839299: packages/adapter-postgresql/test/pg/setup.ts, without its attribute
-- columns: id text, user_id key, active_expires integer, idle_expires integer
-- further: none
-- expires: idle_expires, milliseconds
CREATE TABLE user_session (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    active_expires bigint NOT NULL,
    idle_expires bigint NOT NULL
);
-- rows
-- The active period is over; what counts is the idle period.
INSERT INTO user_session (id, user_id, active_expires, idle_expires)
SELECT name, number, extract(epoch FROM ends - interval '14 days') * 1000, extract(epoch FROM ends) * 1000 FROM ending;
