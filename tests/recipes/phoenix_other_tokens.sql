-- table of: phoenix
INSERT INTO users_tokens (user_id, token, context, sent_to, inserted_at)
SELECT number, convert_to(name, 'UTF8'), 'change:' || name || '@example.com', 'somebody@example.com', (ends - interval '7 days') AT TIME ZONE 'UTC' FROM ending;
-- endless: sessions are not what this is about
INSERT INTO users_tokens (user_id, token, context, inserted_at) VALUES (1, 'endless', 'session', '2020-01-01');
