INSERT INTO "session" SELECT name, '{}', ends FROM ending;
