CREATE TABLE session_store (id text, tenant integer, expires_at timestamp with time zone NOT NULL) PARTITION BY LIST (tenant);
CREATE TABLE session_store_0 PARTITION OF session_store FOR VALUES IN (0);
CREATE TABLE session_store_1 PARTITION OF session_store FOR VALUES IN (1);
-- rows
INSERT INTO session_store SELECT name, 0, ends FROM ending;
-- endless: in the other partition
INSERT INTO session_store VALUES ('endless', 1, '2020-01-01');
