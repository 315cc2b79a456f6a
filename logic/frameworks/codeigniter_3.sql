-- recognized as: CodeIgniter 3
-- recipe: [CodeIgniter 3](more.md#codeigniter-3)
-- source: bcit-ci/CodeIgniter@f85ee8d: user_guide_src/source/libraries/sessions.rst
-- columns: id text, ip_address address, timestamp integer, data text
-- further: none
-- expires: timestamp, seconds
-- since: last activity, usually 2 hours
CREATE TABLE ci_sessions (
    id character varying(128) NOT NULL PRIMARY KEY,
    ip_address character varying(45) NOT NULL,
    "timestamp" bigint DEFAULT 0 NOT NULL,
    data text DEFAULT '' NOT NULL
);
CREATE INDEX ci_sessions_timestamp ON ci_sessions ("timestamp");
-- rows
INSERT INTO ci_sessions (id, ip_address, "timestamp") SELECT name, '::1', extract(epoch FROM ends - interval '2 hours') FROM ending;
