-- recognized as: Gitea
CREATE TABLE "session" (
    key character(16) NOT NULL PRIMARY KEY,
    data bytea,
    expiry bigint NOT NULL
);
