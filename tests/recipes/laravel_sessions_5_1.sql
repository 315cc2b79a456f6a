INSERT INTO sessions (id, payload, last_activity)
SELECT name, 'YToz', extract(epoch FROM ends - interval '120 minutes') FROM ending;
