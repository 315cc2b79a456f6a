-- recognized as: MediaWiki object cache
-- recipe: [MediaWiki object cache](more.md#mediawiki-object-cache)
CREATE TABLE objectcache (
    keyname text DEFAULT '' NOT NULL PRIMARY KEY,
    value text,
    exptime timestamp with time zone NOT NULL,
    modtoken text DEFAULT '00000000000000000' NOT NULL,
    flags integer
);
CREATE INDEX exptime ON objectcache (exptime);
