INSERT INTO "Session" SELECT name, name, '{}', ends AT TIME ZONE 'UTC' FROM ending;
