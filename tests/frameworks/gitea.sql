-- recognized as: Gitea
-- recipe: [Gitea](gitea.md)
-- source: go-gitea/gitea@054c58e: models/auth/session.go
CREATE TABLE "session" (
    key character(16) NOT NULL PRIMARY KEY,
    data bytea,
    expiry bigint NOT NULL
);
