-- recognized as: activerecord-session_store
-- recipe: [Rails](rails.md)
-- source: rails/activerecord-session_store@a764bbe: lib/generators/active_record/templates/migration.rb
-- columns: session_id text, data data, created_at timestamp, updated_at timestamp
-- also: id key
-- common: yes
-- expires: updated_at, UTC
-- since: last activity, usually 30 days
CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    session_id character varying NOT NULL,
    data text,
    created_at timestamp(6) without time zone NOT NULL,
    updated_at timestamp(6) without time zone NOT NULL
);
CREATE UNIQUE INDEX index_sessions_on_session_id ON sessions (session_id);
CREATE INDEX index_sessions_on_updated_at ON sessions (updated_at);
-- rows
INSERT INTO sessions (session_id, data, created_at, updated_at)
SELECT '2::' || name, 'BAh7', (ends - interval '30 days') AT TIME ZONE 'UTC', (ends - interval '30 days') AT TIME ZONE 'UTC' FROM ending;
