CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    ip_address character varying,
    user_agent character varying,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);
-- rows
INSERT INTO sessions (user_id, created_at, updated_at)
SELECT number, '2020-01-01', (ends - interval '14 days') AT TIME ZONE 'UTC' FROM ending;
