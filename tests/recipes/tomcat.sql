CREATE TABLE tomcat_sessions (
    session_id character varying(100) NOT NULL PRIMARY KEY,
    valid_session character(1) NOT NULL,
    max_inactive integer NOT NULL,
    last_access bigint NOT NULL,
    app_name character varying(255),
    session_data bytea
);
-- rows
INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access)
SELECT name, '1', 1800, extract(epoch FROM ends - interval '30 minutes') * 1000 FROM ending;
-- endless
INSERT INTO tomcat_sessions (session_id, valid_session, max_inactive, last_access) VALUES ('endless', '1', -1, 1577836800000);
