INSERT INTO jettysessions (sessionid, contextpath, virtualhost, expirytime) SELECT name, '', '', extract(epoch FROM ends) * 1000 FROM ending;
-- endless
INSERT INTO jettysessions (sessionid, contextpath, virtualhost, expirytime) VALUES ('endless', '', '', 0);
