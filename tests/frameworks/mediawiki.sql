-- recognized as: MediaWiki object cache
-- recipe: [MediaWiki object cache](more.md#mediawiki-object-cache)
-- source: wikimedia/mediawiki@9010140: sql/postgres/patch-objectcache-drop-modtoken.sql, and the tables before it
CREATE TABLE objectcache (
    keyname text DEFAULT '' NOT NULL PRIMARY KEY,
    value text,
    exptime timestamp with time zone NOT NULL,
    modtoken text DEFAULT '00000000000000000' NOT NULL,
    flags integer
);
CREATE INDEX exptime ON objectcache (exptime);
