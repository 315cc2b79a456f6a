-- recognized as: CakePHP
-- recipe: [CakePHP](cakephp.md)
-- source: cakephp/app@7df2a91: config/schema/sessions.sql, in the types of PostgreSQL
-- columns: id text, data blob, expires integer
-- also: created time, modified time
-- further: none
-- expires: expires, seconds
CREATE TABLE sessions (
    id character(40) NOT NULL PRIMARY KEY,
    created timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    modified timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    data bytea,
    expires integer
);
-- rows
INSERT INTO sessions (id, data, expires) SELECT name, '\x43', extract(epoch FROM ends) FROM ending;
