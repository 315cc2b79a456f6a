-- recognized as: Ory Kratos
-- recipe: [Ory Kratos](ory-kratos.md)
-- source: ory/kratos@b86338d: persistence/sql/migrations/sql
-- columns: id uuid, identity_id uuid, issued_at timestamp, authenticated_at timestamp, expires_at timestamp, active
--   bool
-- also: created_at timestamp, updated_at timestamp, token text, nid uuid, logout_token text, aal text,
--   authentication_methods json
-- common: yes
-- expires: expires_at, UTC
CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    issued_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    authenticated_at timestamp without time zone NOT NULL,
    identity_id uuid NOT NULL,
    created_at timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL,
    token character varying(39),
    active boolean DEFAULT false,
    nid uuid,
    logout_token character varying(39),
    aal character varying(4) DEFAULT 'aal1' NOT NULL,
    authentication_methods jsonb NOT NULL
);
CREATE UNIQUE INDEX sessions_token_uq_idx ON sessions (token);
CREATE UNIQUE INDEX sessions_logout_token_uq_idx ON sessions (logout_token);
CREATE INDEX sessions_list_idx ON sessions (nid, created_at DESC, id);
CREATE INDEX sessions_list_active_idx ON sessions (nid, expires_at, active, created_at DESC, id);
CREATE INDEX sessions_list_identity_idx ON sessions (identity_id, nid, created_at DESC);

CREATE TABLE session_devices (
    id uuid NOT NULL PRIMARY KEY,
    ip_address character varying(50) DEFAULT '',
    user_agent character varying(512) DEFAULT '',
    location character varying(512) DEFAULT '',
    nid uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL
);
CREATE INDEX session_devices_session_id_nid_idx ON session_devices (session_id, nid);
-- rows
INSERT INTO sessions (id, expires_at, authenticated_at, identity_id, created_at, updated_at, token, active, authentication_methods)
SELECT md5(name)::uuid, ends AT TIME ZONE 'UTC', now(), md5('user')::uuid, now(), now(), name, true, '[]' FROM ending;
INSERT INTO session_devices (id, nid, session_id, created_at, updated_at)
SELECT md5('device of ' || name)::uuid, md5('network')::uuid, md5(name)::uuid, now(), now() FROM ending;
