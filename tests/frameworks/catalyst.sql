-- recognized as: Catalyst
-- recipe: [Catalyst](more.md#catalyst)
-- source: unread: Catalyst::Plugin::Session::Store::DBI, as its documentation shows the table
CREATE TABLE sessions (
    id character(72) NOT NULL PRIMARY KEY,
    session_data text,
    expires integer
);
