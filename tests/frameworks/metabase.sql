-- recognized as: Metabase
-- recipe: [Metabase](more.md#metabase)
-- source: metabase/metabase@18db7fe: src/metabase/session/db.clj, resources/migrations
CREATE TABLE core_session (
    id character varying(254) NOT NULL PRIMARY KEY,
    user_id integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    anti_csrf_token text,
    key_hashed character varying(254) NOT NULL,
    auth_identity_id integer,
    expires_at timestamp with time zone,
    last_active_at timestamp with time zone
);
