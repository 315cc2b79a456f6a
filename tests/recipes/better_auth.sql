INSERT INTO session (id, "expiresAt", token, "updatedAt", "userId") SELECT name, ends, 'token of ' || name, now(), number FROM ending;
