-- recognized as: Metabase
-- recipe: [Metabase](more.md#metabase)
-- source: metabase/metabase@18db7fe: src/metabase/session/db.clj, resources/migrations
-- columns: id text, user_id integer, created_at timestamptz, anti_csrf_token text
-- also: key_hashed text, auth_identity_id integer, mfa_auth_identity_id integer, expires_at time, last_active_at
--   time, saml_session_index text, saml_name_id text, saml_name_id_format text
-- expires: created_at
-- since: creation, usually 14 days
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
-- rows
INSERT INTO core_session (id, user_id, created_at, key_hashed) SELECT name, 1, ends - interval '14 days', name FROM ending;
