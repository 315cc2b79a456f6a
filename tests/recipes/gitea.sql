INSERT INTO "session" (key, data, expiry) SELECT left(name, 16), '\x5f', extract(epoch FROM ends - interval '24 hours') FROM ending;
