INSERT INTO core_session (id, user_id, created_at, key_hashed) SELECT name, 1, ends - interval '14 days', name FROM ending;
