-- recognized as: Litestar
-- recipe: [Litestar](more.md#litestar)
CREATE TABLE session (
    id uuid NOT NULL PRIMARY KEY,
    session_id character varying(255) NOT NULL UNIQUE,
    data bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
