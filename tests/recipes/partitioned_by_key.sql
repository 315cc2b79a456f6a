CREATE TABLE session_store (id text PRIMARY KEY, data bytea, expires_at timestamp with time zone NOT NULL) PARTITION BY HASH (id);
CREATE TABLE session_store_0 PARTITION OF session_store FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE session_store_1 PARTITION OF session_store FOR VALUES WITH (modulus 2, remainder 1);
-- rows
INSERT INTO session_store SELECT name || n, '\x00', ends FROM ending, generate_series(1, 20) AS n;
