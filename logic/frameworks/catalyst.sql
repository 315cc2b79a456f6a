-- recognized as: Catalyst
-- recipe: [Catalyst](more.md#catalyst)
-- source: gitpan/Catalyst-Plugin-Session-Store-DBI@039b784: lib/Catalyst/Plugin/Session/Store/DBI.pm
-- columns: id text, session_data text, expires integer
-- further: none
-- expires: expires, seconds
CREATE TABLE sessions (
    id character(72) NOT NULL PRIMARY KEY,
    session_data text,
    expires integer
);
-- rows
INSERT INTO sessions SELECT name, '', extract(epoch FROM ends) FROM ending;
