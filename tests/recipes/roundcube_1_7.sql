INSERT INTO "session" SELECT name, ends, '::1', '' FROM ending;
