INSERT INTO sessions (id, expires, session_token) SELECT md5(name)::uuid, ends, name FROM ending;
