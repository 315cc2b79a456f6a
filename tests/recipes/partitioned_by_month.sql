CREATE TABLE session_store (id text, data bytea, expires_at timestamp with time zone NOT NULL) PARTITION BY RANGE (expires_at);
CREATE TABLE session_store_2020 PARTITION OF session_store FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE session_store_later PARTITION OF session_store FOR VALUES FROM ('2021-01-01') TO (MAXVALUE);
-- rows
INSERT INTO session_store SELECT name, '\x00', ends FROM ending;
INSERT INTO session_store SELECT name || ' in 2020', '\x00', '2020-06-01' FROM ending WHERE ends < now();
