-- recognized as: SCS
-- Go: alexedwards/scs with any of its stores for PostgreSQL.
-- recipe: [Go](go.md#scs-alexedwardsscs)
-- source: alexedwards/scs@ab20b3f: postgresstore/README.md
-- columns: token text, data bytea, expiry timestamptz
-- further: none
-- expires: expiry
CREATE TABLE sessions (
    token text PRIMARY KEY,
    data bytea NOT NULL,
    expiry timestamp with time zone NOT NULL
);
CREATE INDEX sessions_expiry_idx ON sessions (expiry);
-- rows
INSERT INTO sessions (token, data, expiry) SELECT name, '\x0e', ends FROM ending;
