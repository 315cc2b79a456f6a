-- recognized as: Catalyst
-- recipe: [Catalyst](more.md#catalyst)
CREATE TABLE sessions (
    id character(72) NOT NULL PRIMARY KEY,
    session_data text,
    expires integer
);
