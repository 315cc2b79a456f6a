INSERT INTO dist_cache (id, value, expiresattime) SELECT name, '\x5f', ends FROM ending;
