CREATE TABLE token (name text PRIMARY KEY, valid_until bigint);
-- rows
INSERT INTO token SELECT name, extract(epoch FROM ends) * 1000 FROM ending;
-- endless
INSERT INTO token VALUES ('endless', 0);
