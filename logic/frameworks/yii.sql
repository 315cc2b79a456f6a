-- recognized as: Yii 2 DbSession
-- recipe: [Yii](yii.md)
-- source: yiisoft/yii2@01359dd: framework/web/DbSession.php
-- columns: id text, expire integer, data bytea
-- also: user_id key, last_write key
-- further: none
-- expires: expire, seconds
CREATE TABLE "session" (
    id character(40) NOT NULL PRIMARY KEY,
    expire integer,
    data bytea
);
-- rows
INSERT INTO session (id, expire, data) SELECT name, extract(epoch FROM ends), '\x5f' FROM ending;
