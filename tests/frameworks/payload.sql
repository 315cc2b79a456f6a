-- recognized as: Payload
-- recipe: [Payload](more.md#payload)
CREATE TABLE users_sessions (
    _order integer NOT NULL,
    _parent_id integer NOT NULL,
    id character varying NOT NULL PRIMARY KEY,
    created_at timestamp(3) with time zone,
    expires_at timestamp(3) with time zone NOT NULL
);
CREATE INDEX users_sessions_order_idx ON users_sessions (_order);
