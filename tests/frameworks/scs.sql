-- recognized as: SCS
-- recipe: [Go](go.md#scs-alexedwardsscs)
-- source: alexedwards/scs@ab20b3f: postgresstore/README.md
CREATE TABLE sessions (
    token text PRIMARY KEY,
    data bytea NOT NULL,
    expiry timestamp with time zone NOT NULL
);
CREATE INDEX sessions_expiry_idx ON sessions (expiry);
