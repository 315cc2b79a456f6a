-- recognized as: CakePHP
-- recipe: [CakePHP](cakephp.md)
-- source: cakephp/app@7df2a91: config/schema/sessions.sql, in the types of PostgreSQL
CREATE TABLE sessions (
    id character(40) NOT NULL PRIMARY KEY,
    created timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    modified timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    data bytea,
    expires integer
);
