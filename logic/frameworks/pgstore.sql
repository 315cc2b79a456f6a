-- recognized as: pgstore
-- Go: antonlindstrom/pgstore, for gorilla/sessions.
-- recipe: [Go](go.md#pgstore-antonlindstrompgstore-for-gorillasessions)
-- source: antonlindstrom/pgstore@e3a6e3f: pgstore.go
-- columns: key bytea, data bytea, modified_on timestamptz, expires_on timestamptz
-- also: id integer, created_on timestamptz
-- further: none
-- expires: expires_on
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
-- rows
INSERT INTO http_sessions (key, data, created_on, modified_on, expires_on)
SELECT convert_to(name, 'UTF8'), '\x4d', now(), now(), ends FROM ending;
-- endless
INSERT INTO http_sessions (key, data, created_on, modified_on, expires_on) VALUES ('endless', '\x4d', '2020-01-01', '2020-01-01', NULL);
