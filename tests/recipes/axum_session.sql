INSERT INTO sessions SELECT name, extract(epoch FROM ends), '{}' FROM ending;
