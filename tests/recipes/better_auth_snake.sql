INSERT INTO "session" (id, expires_at, token, updated_at, user_id) SELECT name, ends, name, now(), number FROM ending;
