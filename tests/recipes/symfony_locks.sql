INSERT INTO lock_keys SELECT name, name, extract(epoch FROM ends) FROM ending;
