INSERT INTO session ("expiredAt", id, json) SELECT extract(epoch FROM ends) * 1000, name, '{}' FROM ending;
