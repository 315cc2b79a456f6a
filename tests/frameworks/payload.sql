-- recognized as: Payload
-- recipe: [Payload](more.md#payload)
-- source: payloadcms/payload@3.90.2: made by it
CREATE TABLE users_sessions (
    _order integer NOT NULL,
    _parent_id integer NOT NULL,
    id character varying NOT NULL PRIMARY KEY,
    created_at timestamp(3) with time zone,
    expires_at timestamp(3) with time zone NOT NULL
);
CREATE INDEX users_sessions_order_idx ON users_sessions (_order);
