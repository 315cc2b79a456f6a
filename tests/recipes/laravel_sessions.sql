INSERT INTO sessions (id, ip_address, payload, last_activity)
SELECT name, '127.0.0.1', 'YToz', extract(epoch FROM ends - interval '120 minutes') FROM ending;
