INSERT INTO sessions (user_id, created_at, updated_at) SELECT number, (ends - interval '14 days') AT TIME ZONE 'UTC', (ends - interval '14 days') AT TIME ZONE 'UTC' FROM ending;
