-- recognized as: Payload
-- recipe: [Payload](more.md#payload)
-- source: payloadcms/payload@3.90.2: made by it
-- columns: _order integer, _parent_id key, id text, expires_at timestamptz
-- also: created_at timestamptz
-- further: none
-- expires: expires_at
CREATE TABLE users_sessions (
    _order integer NOT NULL,
    _parent_id integer NOT NULL,
    id character varying NOT NULL PRIMARY KEY,
    created_at timestamp(3) with time zone,
    expires_at timestamp(3) with time zone NOT NULL
);
CREATE INDEX users_sessions_order_idx ON users_sessions (_order);
-- rows
INSERT INTO users_sessions (_order, _parent_id, id, expires_at) SELECT number, 1, name, ends FROM ending;
