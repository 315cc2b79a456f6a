-- recognized as: activerecord-session_store, timestamptz
-- recipe: [Rails](rails.md)
-- source: variant of rails: ActiveRecord::ConnectionAdapters::PostgreSQLAdapter.datetime_type = :timestamptz
CREATE TABLE sessions (
    id bigserial PRIMARY KEY,
    session_id character varying NOT NULL,
    data text,
    created_at timestamp(6) with time zone NOT NULL,
    updated_at timestamp(6) with time zone NOT NULL
);
CREATE UNIQUE INDEX index_sessions_on_session_id ON sessions (session_id);
CREATE INDEX index_sessions_on_updated_at ON sessions (updated_at);
