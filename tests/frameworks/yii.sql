-- recognized as: Yii 2 DbSession
-- recipe: [Yii](yii.md)
-- source: yiisoft/yii2@01359dd: framework/web/DbSession.php
CREATE TABLE "session" (
    id character(40) NOT NULL PRIMARY KEY,
    expire integer,
    data bytea
);
