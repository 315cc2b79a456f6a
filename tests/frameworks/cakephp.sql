-- recognized as: CakePHP
-- recipe: [CakePHP](cakephp.md)
CREATE TABLE sessions (
    id character(40) NOT NULL PRIMARY KEY,
    created timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    modified timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    data bytea,
    expires integer
);
