INSERT INTO sessions (id, session_token, user_id, expires) SELECT name, name, number, ends AT TIME ZONE 'UTC' FROM ending;
