CREATE TABLE session_store (id text, data bytea, expires_at timestamp with time zone NOT NULL);
CREATE TABLE session_store_of_guests () INHERITS (session_store);
-- rows
INSERT INTO session_store SELECT name, '\x00', ends FROM ending;
INSERT INTO session_store_of_guests SELECT name, '\x00', ends FROM ending;
