-- recognized as: Laravel 5.1 sessions
-- As Laravel made it before 5.2.
-- recipe: [Laravel](laravel.md)
-- source: laravel/framework@01f1ef3: src/Illuminate/Session/Console/stubs/database.php
-- columns: id text, payload text, last_activity integer
-- common: yes
-- expires: last_activity, seconds
-- since: last activity, usually 120 minutes
CREATE TABLE sessions (
    id character varying(255) NOT NULL,
    payload text NOT NULL,
    last_activity integer NOT NULL
);
CREATE UNIQUE INDEX sessions_id_unique ON sessions (id);
-- rows
INSERT INTO sessions (id, payload, last_activity)
SELECT name, 'YToz', extract(epoch FROM ends - interval '120 minutes') FROM ending;
