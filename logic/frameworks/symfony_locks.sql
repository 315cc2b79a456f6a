-- recognized as: Symfony locks
-- recipe: [Symfony locks](more.md#symfony-locks)
-- source: symfony/symfony@0b489eb: src/Symfony/Component/Lock/Store/DoctrineDbalStore.php
-- columns: key_id text, key_token text, key_expiration integer
-- further: none
-- named: =lock_keys
-- expires: key_expiration, seconds
CREATE TABLE lock_keys (
    key_id character varying(64) NOT NULL PRIMARY KEY,
    key_token character varying(44) NOT NULL,
    key_expiration integer NOT NULL
);
-- rows
INSERT INTO lock_keys SELECT name, name, extract(epoch FROM ends) FROM ending;
