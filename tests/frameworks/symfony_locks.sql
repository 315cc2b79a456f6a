-- recognized as: Symfony locks
-- recipe: [Symfony locks](more.md#symfony-locks)
-- source: symfony/symfony@0b489eb: src/Symfony/Component/Lock/Store/DoctrineDbalStore.php
CREATE TABLE lock_keys (
    key_id character varying(64) NOT NULL PRIMARY KEY,
    key_token character varying(44) NOT NULL,
    key_expiration integer NOT NULL
);
