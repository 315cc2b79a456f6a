INSERT INTO async_sessions SELECT name, ends, '{}' FROM ending;
