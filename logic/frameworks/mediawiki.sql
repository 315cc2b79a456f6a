-- recognized as: MediaWiki object cache
-- recipe: [MediaWiki object cache](more.md#mediawiki-object-cache)
-- source: wikimedia/mediawiki@9010140: sql/postgres/patch-objectcache-drop-modtoken.sql, and the tables before it
-- columns: keyname text, value data, exptime timestamptz
-- also: modtoken text, flags integer
-- further: none
-- named: objectcache
-- expires: exptime
CREATE TABLE objectcache (
    keyname text DEFAULT '' NOT NULL PRIMARY KEY,
    value text,
    exptime timestamp with time zone NOT NULL,
    modtoken text DEFAULT '00000000000000000' NOT NULL,
    flags integer
);
CREATE INDEX exptime ON objectcache (exptime);
-- rows
INSERT INTO objectcache (keyname, exptime) SELECT name, ends FROM ending;
