INSERT INTO sessions (session_id, data, created_at, updated_at)
SELECT '2::' || name, 'BAh7', (ends - interval '30 days') AT TIME ZONE 'UTC', (ends - interval '30 days') AT TIME ZONE 'UTC' FROM ending;
