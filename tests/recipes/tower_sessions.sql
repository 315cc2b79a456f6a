INSERT INTO session (id, data, expiry_date) SELECT name, '\x93', ends FROM ending;
