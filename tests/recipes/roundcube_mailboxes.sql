INSERT INTO cache_messages (user_id, mailbox, uid, expires, data) SELECT 1, name, number, ends, '' FROM ending;
