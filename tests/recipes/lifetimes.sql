CREATE TABLE visit (name text PRIMARY KEY, last_seen timestamp with time zone, lifetime interval);
-- rows
INSERT INTO visit SELECT name, ends - interval '3 hours', '3 hours' FROM ending;
INSERT INTO visit SELECT name || ', no lifetime', ends - interval '24 hours', NULL FROM ending;
