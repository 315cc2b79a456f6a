INSERT INTO sessions (id, expires_at, authenticated_at, identity_id, created_at, updated_at, token, active, authentication_methods)
SELECT md5(name)::uuid, ends AT TIME ZONE 'UTC', now(), md5('user')::uuid, now(), now(), name, true, '[]' FROM ending;
INSERT INTO session_devices (id, nid, session_id, created_at, updated_at)
SELECT md5('device of ' || name)::uuid, md5('network')::uuid, md5(name)::uuid, now(), now() FROM ending;
