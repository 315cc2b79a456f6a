INSERT INTO fiber_storage (k, v, e) SELECT name, '\x7b', extract(epoch FROM ends) FROM ending;
-- endless
INSERT INTO fiber_storage (k, v, e) VALUES ('endless', '\x7b', 0);
