INSERT INTO user_session (id, expires_at, user_id) SELECT name, ends, number FROM ending;
