-- recognized as: Roundcube
-- recipe: [Roundcube](more.md#roundcube)
-- source: variant of roundcube_1_7: before the column changed was replaced
-- columns: sess_id text, changed timestamptz, ip text, vars text
-- also: created timestamptz
-- expires: changed
-- since: last activity, usually 10 minutes
CREATE TABLE "session" (
    sess_id character varying(128) DEFAULT '' NOT NULL PRIMARY KEY,
    changed timestamp with time zone DEFAULT now() NOT NULL,
    ip character varying(41) NOT NULL,
    vars text NOT NULL
);
CREATE INDEX session_changed_idx ON "session" (changed);
-- rows
INSERT INTO "session" SELECT name, ends - interval '10 minutes', '::1', '' FROM ending;
