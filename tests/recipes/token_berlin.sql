CREATE TABLE token (name text PRIMARY KEY, valid_until timestamp without time zone);
-- rows
INSERT INTO token SELECT name, ends AT TIME ZONE 'Europe/Berlin' FROM ending;
