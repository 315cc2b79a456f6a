-- recognized as: CodeIgniter 4
-- recipe: [CodeIgniter](codeigniter.md)
-- source: codeigniter4/CodeIgniter4@1b41358: user_guide_src/source/libraries/sessions.rst
CREATE TABLE ci_sessions (
    id character varying(128) NOT NULL PRIMARY KEY,
    ip_address inet NOT NULL,
    "timestamp" timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    data bytea DEFAULT '' NOT NULL
);
CREATE INDEX ci_sessions_timestamp ON ci_sessions ("timestamp");
