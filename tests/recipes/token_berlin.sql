CREATE TABLE token (name text PRIMARY KEY, valid_until timestamp without time zone);
-- rows
INSERT INTO token SELECT name, ends AT TIME ZONE 'Europe/Berlin' FROM ending;
-- Nearer to now than Berlin is to UTC, also in winter.
INSERT INTO token
SELECT name || ', nearly', (now() + sign(extract(epoch FROM ends - now())) * interval '20 minutes') AT TIME ZONE 'Europe/Berlin'
FROM ending;
