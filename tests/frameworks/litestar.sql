-- recognized as: Litestar
-- recipe: [Litestar](more.md#litestar)
-- source: made by advanced-alchemy 1.12.0
CREATE TABLE session (
    id uuid NOT NULL PRIMARY KEY,
    session_id character varying(255) NOT NULL UNIQUE,
    data bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
