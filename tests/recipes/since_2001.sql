CREATE TABLE ticket (name text, valid_until bigint);
-- rows
INSERT INTO ticket SELECT name, extract(epoch FROM ends)::bigint - 978307200 FROM ending;
-- endless
INSERT INTO ticket VALUES ('endless', 0);
