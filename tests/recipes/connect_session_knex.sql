INSERT INTO sessions (sid, sess, expired) SELECT name, '{}', ends FROM ending;
