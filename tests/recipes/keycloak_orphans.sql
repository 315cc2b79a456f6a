-- table of: keycloak
CREATE TABLE offline_client_session (
    user_session_id character varying(36) NOT NULL,
    client_id character varying(255) NOT NULL,
    offline_flag character varying(4) NOT NULL,
    "timestamp" integer,
    PRIMARY KEY (user_session_id, client_id, offline_flag)
);
-- rows
-- The user sessions that have expired are gone already.
INSERT INTO offline_user_session (user_session_id, user_id, realm_id, created_on, offline_flag, last_session_refresh)
SELECT name, 'user', 'shop', extract(epoch FROM now()), '1', extract(epoch FROM ends) FROM ending WHERE ends > now();
INSERT INTO offline_client_session (user_session_id, client_id, offline_flag) SELECT name, 'web', '1' FROM ending;
