-- recognized as: Litestar
-- recipe: [Litestar](more.md#litestar)
-- source: made by advanced-alchemy 1.12.0
-- columns: id uuid, session_id text, data bytea, expires_at timestamptz
-- also: created_at timestamptz, updated_at timestamptz, sa_orm_sentinel integer
-- further: none
-- expires: expires_at
CREATE TABLE session (
    id uuid NOT NULL PRIMARY KEY,
    session_id character varying(255) NOT NULL UNIQUE,
    data bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
-- rows
INSERT INTO session SELECT md5(name)::uuid, name, '\x5f', ends FROM ending;
