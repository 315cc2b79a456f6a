CREATE TABLE token (name text PRIMARY KEY, tenant text NOT NULL, valid_until timestamp with time zone);
-- rows
INSERT INTO token SELECT name, 'blue', ends FROM ending;
-- endless: another tenant's
INSERT INTO token VALUES ('endless', 'red', '2020-01-01');
