INSERT INTO sessions (session_id, data, expiry) SELECT 'session:' || name, '\x80', ends AT TIME ZONE 'UTC' FROM ending;
