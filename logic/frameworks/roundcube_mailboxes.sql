-- recognized as: Roundcube cache of mailboxes
-- recipe: [Roundcube cache of mailboxes](more.md#roundcube-cache-of-mailboxes)
-- source: roundcube/roundcubemail@00814f7: SQL/postgres.initial.sql
-- columns: user_id integer, mailbox text, expires timestamptz, data text
-- also: uid integer, valid int2, flags integer
-- further: none
-- named: cache
-- expires: expires
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
-- rows
INSERT INTO cache_messages (user_id, mailbox, uid, expires, data) SELECT 1, name, number, ends, '' FROM ending;
