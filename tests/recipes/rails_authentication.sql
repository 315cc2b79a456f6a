-- table of: rails_8
-- rows
INSERT INTO sessions (user_id, created_at, updated_at)
SELECT number, '2020-01-01', (ends - interval '14 days') AT TIME ZONE 'UTC' FROM ending;
