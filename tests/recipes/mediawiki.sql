INSERT INTO objectcache (keyname, exptime) SELECT name, ends FROM ending;
