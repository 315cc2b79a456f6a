INSERT INTO sessions (uid, sid, hostname, "timestamp", session)
SELECT number, name, '127.0.0.1', extract(epoch FROM ends) - 200000, '\x5f' FROM ending;
