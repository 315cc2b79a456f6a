-- The cast is done in the time zone of the connection.
SET timezone = 'UTC';
INSERT INTO session (sid, sess, expire) SELECT name, '{}', to_timestamp(extract(epoch FROM ends)) FROM ending;
