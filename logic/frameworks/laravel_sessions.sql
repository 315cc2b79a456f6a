-- recognized as: Laravel sessions
-- recipe: [Laravel](laravel.md)
-- source: laravel/framework@066ec1d: src/Illuminate/Session/Console/stubs/database.stub
-- columns: id text, user_id key, ip_address text, user_agent text, payload text, last_activity integer
-- expires: last_activity, seconds
-- since: last activity, usually 120 minutes
CREATE TABLE sessions (
    id character varying(255) PRIMARY KEY,
    user_id bigint,
    ip_address character varying(45),
    user_agent text,
    payload text NOT NULL,
    last_activity integer NOT NULL
);
CREATE INDEX sessions_user_id_index ON sessions (user_id);
CREATE INDEX sessions_last_activity_index ON sessions (last_activity);
-- rows
INSERT INTO sessions (id, ip_address, payload, last_activity)
SELECT name, '127.0.0.1', 'YToz', extract(epoch FROM ends - interval '120 minutes') FROM ending;
