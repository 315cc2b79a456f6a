-- recognized as: Gitea
-- recipe: [Gitea](gitea.md)
CREATE TABLE "session" (
    key character(16) NOT NULL PRIMARY KEY,
    data bytea,
    expiry bigint NOT NULL
);
