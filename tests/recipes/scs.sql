INSERT INTO sessions (token, data, expiry) SELECT name, '\x0e', ends FROM ending;
