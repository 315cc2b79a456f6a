-- recognized as: Yii 2 DbSession, text
-- recipe: [Yii 2 DbSession](more.md#yii-2-dbsession-text)
-- source: tt-rss/tt-rss@b72ea1179: sql/pgsql/schema.sql
-- columns: id text, expire integer, data text
-- also: user_id key, last_write key
-- further: none
-- expires: expire, seconds
CREATE TABLE ttrss_sessions (
    id character varying(250) NOT NULL PRIMARY KEY,
    data text,
    expire integer NOT NULL
);
CREATE INDEX ttrss_sessions_expire_index ON ttrss_sessions (expire);
-- rows
INSERT INTO ttrss_sessions (id, expire) SELECT name, extract(epoch FROM ends) FROM ending;
