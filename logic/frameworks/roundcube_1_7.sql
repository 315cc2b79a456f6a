-- recognized as: Roundcube 1.7
-- Where the column holds the instant of expiry, and no longer the last change.
-- recipe: [Roundcube](more.md#roundcube-17)
-- source: roundcube/roundcubemail@00814f7: SQL/postgres.initial.sql
-- columns: sess_id text, expires_at timestamptz, ip text, vars text
-- also: created timestamptz
-- expires: expires_at
CREATE TABLE "session" (
    sess_id character varying(128) DEFAULT '' NOT NULL PRIMARY KEY,
    expires_at timestamp with time zone DEFAULT now() NOT NULL,
    ip character varying(41) NOT NULL,
    vars text NOT NULL
);
CREATE INDEX session_expires_at_idx ON "session" (expires_at);
-- rows
INSERT INTO "session" SELECT name, ends, '::1', '' FROM ending;
