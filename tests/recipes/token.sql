CREATE TABLE token (name text PRIMARY KEY, valid_until timestamp with time zone);
-- rows
INSERT INTO token SELECT name, ends FROM ending;
-- endless
INSERT INTO token VALUES ('endless', NULL), ('endless, too', 'infinity');
