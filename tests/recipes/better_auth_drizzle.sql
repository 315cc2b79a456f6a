INSERT INTO session (id, expires_at, token, updated_at, user_id)
SELECT name, ends AT TIME ZONE 'UTC', 'token of ' || name, now(), number FROM ending;
