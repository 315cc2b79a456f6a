INSERT INTO sessions (id, data, expires) SELECT name, '\x43', extract(epoch FROM ends) FROM ending;
