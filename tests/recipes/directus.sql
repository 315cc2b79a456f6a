INSERT INTO directus_sessions (token, expires) SELECT name, ends FROM ending;
