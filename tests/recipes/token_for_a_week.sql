CREATE TABLE token (name text PRIMARY KEY, valid_until timestamp with time zone);
-- rows
INSERT INTO token SELECT name, ends - interval '7 days' FROM ending;
