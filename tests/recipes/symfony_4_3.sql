-- table of: symfony
INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time)
SELECT name, '\x5f', 1440, extract(epoch FROM ends) - 1440 FROM ending;
