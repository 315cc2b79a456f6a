-- recognized as: activerecord-session_store, timestamptz
-- Where the application sets `PostgreSQLAdapter.datetime_type = :timestamptz`.
-- recipe: [Rails](rails.md)
-- source: variant of rails: ActiveRecord::ConnectionAdapters::PostgreSQLAdapter.datetime_type = :timestamptz
-- columns: session_id text, data data, created_at timestamptz, updated_at timestamptz
-- also: id key
-- common: yes
-- expires: updated_at
-- since: last activity, usually 30 days
CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    session_id character varying NOT NULL,
    data text,
    created_at timestamp(6) with time zone NOT NULL,
    updated_at timestamp(6) with time zone NOT NULL
);
CREATE UNIQUE INDEX index_sessions_on_session_id ON sessions (session_id);
CREATE INDEX index_sessions_on_updated_at ON sessions (updated_at);
-- rows
INSERT INTO sessions (session_id, data, created_at, updated_at)
SELECT '2::' || name, 'BAh7', ends - interval '30 days', ends - interval '30 days' FROM ending;
