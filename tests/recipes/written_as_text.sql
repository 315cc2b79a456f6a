CREATE TABLE ticket (name text, valid_until text);
-- rows
INSERT INTO ticket SELECT name, to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') FROM ending;
-- endless
INSERT INTO ticket VALUES ('endless', NULL);
