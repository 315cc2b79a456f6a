INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time)
SELECT name, '\x5f', extract(epoch FROM ends), extract(epoch FROM ends - interval '24 minutes') FROM ending;
