-- recognized as: Symfony locks
-- recipe: [Symfony locks](more.md#symfony-locks)
-- source: unread: Symfony 6, Lock/Store/DoctrineDbalStore.php; tests/stores has the library that Debian has
CREATE TABLE lock_keys (
    key_id character varying(64) NOT NULL PRIMARY KEY,
    key_token character varying(64) NOT NULL,
    key_expiration integer NOT NULL
);
