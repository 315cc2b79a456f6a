-- recognized as: Symfony PdoSessionHandler
-- recipe: [Symfony](symfony.md)
-- source: symfony/http-foundation@v6.0.0: Session/Storage/Handler/PdoSessionHandler.php
CREATE TABLE sessions (
    sess_id character varying(128) NOT NULL PRIMARY KEY,
    sess_data bytea NOT NULL,
    sess_lifetime integer NOT NULL,
    sess_time integer NOT NULL
);
CREATE INDEX sess_lifetime_idx ON sessions (sess_lifetime);
