-- recognized as: Keycloak
-- recipe: [Keycloak](keycloak.md)
-- source: keycloak/keycloak@02a78a5: model/jpa/src/main/java/org/keycloak/models/jpa/session/PersistentUserSessionEntity.java
-- columns: user_session_id text, realm_id text, user_id text, offline_flag text, last_session_refresh integer
-- also: created_on integer, remember_me bool
-- expires: last_session_refresh, seconds
-- since: last activity, usually 30 days
-- note: each realm of Keycloak has timeouts of its own, so keep has to cover the longest; offline_client_session
--   refers to this table without a foreign key and keeps its rows
CREATE TABLE offline_user_session (
    user_session_id character varying(36) NOT NULL,
    user_id character varying(255) NOT NULL,
    realm_id character varying(36) NOT NULL,
    created_on integer NOT NULL,
    offline_flag character varying(4) NOT NULL,
    data text,
    last_session_refresh integer DEFAULT 0 NOT NULL,
    broker_session_id character varying(1024),
    version integer DEFAULT 0,
    remember_me boolean,
    PRIMARY KEY (user_session_id, offline_flag)
);
-- rows
INSERT INTO offline_user_session (user_session_id, user_id, realm_id, created_on, offline_flag, last_session_refresh)
SELECT name, 'user', 'shop', extract(epoch FROM ends - interval '60 days'), '1', extract(epoch FROM ends - interval '30 days') FROM ending;
