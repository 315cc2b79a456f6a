INSERT INTO knox_authtoken SELECT name, now(), 1, ends, left(name, 25) FROM ending;
-- endless
INSERT INTO knox_authtoken VALUES ('endless', now(), 1, NULL, 'endless');
