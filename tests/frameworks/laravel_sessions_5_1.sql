-- recognized as: Laravel 5.1 sessions
-- recipe: [Laravel](laravel.md)
-- source: laravel/framework@01f1ef3: src/Illuminate/Session/Console/stubs/database.php
CREATE TABLE sessions (
    id character varying(255) NOT NULL,
    payload text NOT NULL,
    last_activity integer NOT NULL
);
CREATE UNIQUE INDEX sessions_id_unique ON sessions (id);
