-- recognized as: Spring Session JDBC
-- Its attributes go with a session by a cascading foreign key.
-- recipe: [Spring](spring.md)
-- source: spring-projects/spring-session@773ef24: spring-session-jdbc/src/main/resources/org/springframework/session/jdbc/schema-postgresql.sql
-- columns: primary_id text, session_id text, last_access_time integer, max_inactive_interval integer, expiry_time
--   integer
-- also: creation_time integer, principal_name text
-- expires: expiry_time, milliseconds
CREATE TABLE spring_session (
    primary_id character(36) NOT NULL PRIMARY KEY,
    session_id character(36) NOT NULL,
    creation_time bigint NOT NULL,
    last_access_time bigint NOT NULL,
    max_inactive_interval integer NOT NULL,
    expiry_time bigint NOT NULL,
    principal_name character varying(100)
);
CREATE UNIQUE INDEX spring_session_ix1 ON spring_session (session_id);
CREATE INDEX spring_session_ix2 ON spring_session (expiry_time);
CREATE INDEX spring_session_ix3 ON spring_session (principal_name);

CREATE TABLE spring_session_attributes (
    session_primary_id character(36) NOT NULL REFERENCES spring_session (primary_id) ON DELETE CASCADE,
    attribute_name character varying(200) NOT NULL,
    attribute_bytes bytea NOT NULL,
    PRIMARY KEY (session_primary_id, attribute_name)
);
-- rows
INSERT INTO spring_session (primary_id, session_id, creation_time, last_access_time, max_inactive_interval, expiry_time, principal_name)
SELECT name, name, extract(epoch FROM ends - interval '2 hours') * 1000, extract(epoch FROM ends - interval '30 minutes') * 1000, 1800,
    extract(epoch FROM ends) * 1000, 'somebody' FROM ending;
INSERT INTO spring_session_attributes (session_primary_id, attribute_name, attribute_bytes)
SELECT name, 'cart', '\xaced' FROM ending;
-- endless: a max_inactive_interval below zero
INSERT INTO spring_session (primary_id, session_id, creation_time, last_access_time, max_inactive_interval, expiry_time)
VALUES ('endless', 'endless', 1577836800000, 1577836800000, -1, 9223372036854775807);
