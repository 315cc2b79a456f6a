-- recognized as: Keycloak
-- recipe: [Keycloak](keycloak.md)
-- source: keycloak/keycloak@02a78a5: model/jpa/src/main/java/org/keycloak/models/jpa/session/PersistentUserSessionEntity.java
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
