INSERT INTO session SELECT md5(name)::uuid, name, '\x5f', ends FROM ending;
