-- recognized as: Drupal
-- recipe: [Drupal](drupal.md)
-- source: drupal/core@401b099: lib/Drupal/Core/Session/SessionHandler.php
CREATE TABLE sessions (
    uid bigint NOT NULL CHECK (uid >= 0),
    sid character varying(128) NOT NULL PRIMARY KEY,
    hostname character varying(128) DEFAULT '' NOT NULL,
    "timestamp" bigint DEFAULT 0 NOT NULL,
    session bytea
);
CREATE INDEX sessions__timestamp__idx ON sessions ("timestamp");
CREATE INDEX sessions__uid__idx ON sessions (uid);
