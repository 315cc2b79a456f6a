-- recognized as: SCS
-- recipe: [Go](go.md#scs-alexedwardsscs)
CREATE TABLE sessions (
    token text PRIMARY KEY,
    data bytea NOT NULL,
    expiry timestamp with time zone NOT NULL
);
CREATE INDEX sessions_expiry_idx ON sessions (expiry);
