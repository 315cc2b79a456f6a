-- recognized as: Catalyst
-- recipe: [Catalyst](more.md#catalyst)
-- source: gitpan/Catalyst-Plugin-Session-Store-DBI@039b784: lib/Catalyst/Plugin/Session/Store/DBI.pm
CREATE TABLE sessions (
    id character(72) NOT NULL PRIMARY KEY,
    session_data text,
    expires integer
);
