INSERT INTO offline_user_session (user_session_id, user_id, realm_id, created_on, offline_flag, last_session_refresh)
SELECT name, 'user', 'shop', extract(epoch FROM ends - interval '60 days'), '1', extract(epoch FROM ends - interval '30 days') FROM ending;
