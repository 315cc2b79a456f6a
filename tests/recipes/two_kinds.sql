CREATE TABLE token (name text PRIMARY KEY, kind text NOT NULL, created_at timestamp with time zone);
-- rows
INSERT INTO token SELECT name, 'reset', ends - interval '1 day' FROM ending;
INSERT INTO token SELECT name || ', to log in', 'login', ends - interval '60 days' FROM ending;
