INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId")
SELECT name, ends AT TIME ZONE 'UTC', 'token of ' || name, now(), number FROM ending;
