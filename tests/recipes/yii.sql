INSERT INTO session (id, expire, data) SELECT name, extract(epoch FROM ends), '\x5f' FROM ending;
