INSERT INTO sessions ("userId", expires, "sessionToken") SELECT number, ends, name FROM ending;
