INSERT INTO sessions (id, data, expires_at) SELECT name, '{}', ends FROM ending;
