-- recognized as: Roundcube cache of mailboxes
-- recipe: [Roundcube cache of mailboxes](more.md#roundcube-cache-of-mailboxes)
-- source: roundcube/roundcubemail@00814f7: SQL/postgres.initial.sql
CREATE TABLE cache_messages (
    user_id integer NOT NULL,
    mailbox character varying(255) NOT NULL,
    uid integer NOT NULL,
    expires timestamp with time zone,
    data text NOT NULL,
    flags integer DEFAULT 0 NOT NULL,
    PRIMARY KEY (user_id, mailbox, uid)
);
CREATE INDEX cache_messages_expires_idx ON cache_messages (expires);
