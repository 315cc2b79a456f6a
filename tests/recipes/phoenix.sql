INSERT INTO users_tokens (user_id, token, context, inserted_at)
SELECT number, convert_to(name, 'UTF8'), 'session', (ends - interval '14 days') AT TIME ZONE 'UTC' FROM ending;
-- endless: a token for another purpose, with a lifetime of its own
INSERT INTO users_tokens (user_id, token, context, sent_to, inserted_at)
VALUES (1, 'endless', 'reset_password', 'somebody@example.com', '2020-01-01');
