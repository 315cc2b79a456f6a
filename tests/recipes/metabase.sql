INSERT INTO core_session SELECT name, 1, ends - interval '14 days' FROM ending;
