INSERT INTO sessions (id, token, createat, expiresat, lastactivityat, userid)
SELECT left(md5(name), 26), left(md5('token of ' || name), 26), 1577836800000, extract(epoch FROM ends) * 1000, 1577836800000, 'user' FROM ending;
-- endless: a personal access token
INSERT INTO sessions (id, token, createat, expiresat, lastactivityat, userid)
VALUES ('endless', 'endless', 1577836800000, 0, 1577836800000, 'user');
