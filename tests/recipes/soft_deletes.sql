CREATE TABLE cart (id bigserial PRIMARY KEY, name text, expires_at timestamp with time zone, deleted_at timestamp with time zone);
-- rows
INSERT INTO cart (name, expires_at, deleted_at) SELECT name, '2020-01-01', ends - interval '30 days' FROM ending;
-- endless: not marked yet
INSERT INTO cart (name, expires_at, deleted_at) VALUES ('endless', '2020-01-01', NULL);
