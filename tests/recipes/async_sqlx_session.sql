INSERT INTO sessions SELECT name, ends, '{}' FROM ending;
