-- not_after, and then the 72 hours that Supabase Auth keeps a session past it
INSERT INTO sessions (id, user_id, created_at, updated_at, not_after)
SELECT md5(name)::uuid, md5('user')::uuid, now(), now(), ends - interval '72 hours' FROM ending;
INSERT INTO refresh_tokens (session_id) SELECT md5(name)::uuid FROM ending;
-- endless
INSERT INTO sessions (id, user_id, created_at, updated_at, not_after)
VALUES (md5('endless')::uuid, md5('user')::uuid, '2020-01-01', '2020-01-01', NULL);
