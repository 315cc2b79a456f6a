CREATE TABLE cache_items (item_id character varying(255) NOT NULL PRIMARY KEY, item_data bytea NOT NULL, item_lifetime integer, item_time integer NOT NULL);
-- rows
INSERT INTO cache_items SELECT name, '\x5f', 600, extract(epoch FROM ends) - 600 FROM ending;
-- endless
INSERT INTO cache_items VALUES ('endless', '\x5f', NULL, 1577836800);
