-- recognized as: pgstore
-- recipe: [Go](go.md#pgstore-antonlindstrompgstore-for-gorillasessions)
-- source: antonlindstrom/pgstore@e3a6e3f: pgstore.go
CREATE TABLE http_sessions (
    id bigserial PRIMARY KEY,
    key bytea,
    data bytea,
    created_on timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    modified_on timestamp with time zone,
    expires_on timestamp with time zone
);
CREATE INDEX http_sessions_expiry_idx ON http_sessions (expires_on);
CREATE INDEX http_sessions_key_idx ON http_sessions (key);
