-- recognized as: Drupal
-- recipe: [Drupal](drupal.md)
-- source: drupal/core@401b099: lib/Drupal/Core/Session/SessionHandler.php
-- columns: uid integer, sid text, hostname text, timestamp integer, session bytea
-- expires: timestamp, seconds
-- since: last activity, usually 200000 seconds
CREATE TABLE sessions (
    uid bigint NOT NULL CHECK (uid >= 0),
    sid character varying(128) NOT NULL PRIMARY KEY,
    hostname character varying(128) DEFAULT '' NOT NULL,
    "timestamp" bigint DEFAULT 0 NOT NULL,
    session bytea
);
CREATE INDEX sessions__timestamp__idx ON sessions ("timestamp");
CREATE INDEX sessions__uid__idx ON sessions (uid);
-- rows
INSERT INTO sessions (uid, sid, hostname, "timestamp", session)
SELECT number, name, '127.0.0.1', extract(epoch FROM ends) - 200000, '\x5f' FROM ending;
