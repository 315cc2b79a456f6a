CREATE TABLE token (name text PRIMARY KEY, valid_on date);
-- rows
INSERT INTO token SELECT name, CASE WHEN ends > now() THEN (ends AT TIME ZONE 'UTC')::date ELSE (ends AT TIME ZONE 'UTC')::date - 1 END FROM ending;
