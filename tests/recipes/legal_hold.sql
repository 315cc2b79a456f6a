CREATE TABLE token (name text PRIMARY KEY, legal_hold boolean NOT NULL, valid_until timestamp with time zone);
-- rows
INSERT INTO token SELECT name, false, ends FROM ending;
-- endless: evidence
INSERT INTO token VALUES ('endless', true, '2020-01-01');
