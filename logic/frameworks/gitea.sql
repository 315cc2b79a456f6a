-- recognized as: Gitea
-- Also Forgejo, Gogs and whatever else uses go-macaron's sessions. The column's name is wrong.
-- recipe: [Gitea](gitea.md)
-- source: go-gitea/gitea@054c58e: models/auth/session.go
-- columns: key text, data bytea, expiry integer
-- further: none
-- expires: expiry, seconds
-- since: last activity, usually 24 hours
-- note: in spite of its name, column expiry says when a session was written for the last time
CREATE TABLE "session" (
    key character(16) NOT NULL PRIMARY KEY,
    data bytea,
    expiry bigint NOT NULL
);
-- rows
INSERT INTO "session" (key, data, expiry) SELECT left(name, 16), '\x5f', extract(epoch FROM ends - interval '24 hours') FROM ending;
