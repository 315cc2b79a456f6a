-- recognized as: Yii 2 DbSession
-- recipe: [Yii](yii.md)
CREATE TABLE "session" (
    id character varying(256) NOT NULL PRIMARY KEY,
    expire integer,
    data bytea
);
