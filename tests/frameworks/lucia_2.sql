-- recognized as: Lucia 2
-- recipe: [Lucia](lucia.md#lucia-2)
-- source: unread: Lucia 2, @lucia-auth/adapter-postgresql 2, as its upgrade guide shows the table
CREATE TABLE user_session (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    active_expires bigint NOT NULL,
    idle_expires bigint NOT NULL
);
