INSERT INTO ttrss_sessions (id, expire) SELECT name, extract(epoch FROM ends) FROM ending;
