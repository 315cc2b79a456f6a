INSERT INTO "session" SELECT name, ends - interval '10 minutes', '::1', '' FROM ending;
