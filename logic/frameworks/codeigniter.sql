-- recognized as: CodeIgniter 4
-- recipe: [CodeIgniter](codeigniter.md)
-- source: codeigniter4/CodeIgniter4@1b41358: user_guide_src/source/libraries/sessions.rst
-- columns: id text, ip_address inet, timestamp timestamptz, data bytea
-- further: none
-- expires: timestamp
-- since: last activity, usually 2 hours
CREATE TABLE ci_sessions (
    id character varying(128) NOT NULL PRIMARY KEY,
    ip_address inet NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    data bytea DEFAULT '' NOT NULL
);
CREATE INDEX ci_sessions_timestamp ON ci_sessions ("timestamp");
-- rows
INSERT INTO ci_sessions (id, ip_address, "timestamp", data)
SELECT 'ci_session:' || name, '127.0.0.1', ends - interval '7200 seconds', '\x5f' FROM ending;
