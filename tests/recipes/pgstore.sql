INSERT INTO http_sessions (key, data, created_on, modified_on, expires_on)
SELECT convert_to(name, 'UTF8'), '\x4d', now(), now(), ends FROM ending;
-- endless
INSERT INTO http_sessions (key, data, created_on, modified_on, expires_on) VALUES ('endless', '\x4d', '2020-01-01', '2020-01-01', NULL);
