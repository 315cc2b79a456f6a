-- recognized as: Symfony PdoSessionHandler
-- Since 4.4 `sess_lifetime` is the instant of the end. Before, it was a number of seconds after `sess_time`, which is
-- implausible as an instant, however long, and therefore refused.
-- recipe: [Symfony](symfony.md)
-- source: symfony/http-foundation@v6.0.0: Session/Storage/Handler/PdoSessionHandler.php
-- columns: sess_id text, sess_data bytea, sess_lifetime integer, sess_time integer
-- expires: sess_lifetime, seconds
-- note: rows written by Symfony 4.3 or earlier need expires => 'sess_time + sess_lifetime', unit => 'seconds', keep
--   => '0'
CREATE TABLE sessions (
    sess_id character varying(128) NOT NULL PRIMARY KEY,
    sess_data bytea NOT NULL,
    sess_lifetime integer NOT NULL,
    sess_time integer NOT NULL
);
CREATE INDEX sess_lifetime_idx ON sessions (sess_lifetime);
-- rows
INSERT INTO sessions (sess_id, sess_data, sess_lifetime, sess_time)
SELECT name, '\x5f', extract(epoch FROM ends), extract(epoch FROM ends - interval '24 minutes') FROM ending;
