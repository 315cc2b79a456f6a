INSERT INTO sessions (session_id, data, created_at, updated_at)
SELECT '2::' || name, 'BAh7', ends - interval '30 days', ends - interval '30 days' FROM ending;
