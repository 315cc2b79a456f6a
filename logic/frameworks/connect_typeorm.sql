-- recognized as: connect-typeorm
-- recipe: [Express](express.md#connect-typeorm)
-- source: made by connect-typeorm 2.0.0
-- columns: id text, expiredAt integer, json text
-- also: destroyedAt time
-- further: none
-- expires: expiredAt, milliseconds
CREATE TABLE "session" (
    "expiredAt" bigint NOT NULL,
    id character varying(255) PRIMARY KEY,
    json text NOT NULL,
    "destroyedAt" timestamp without time zone
);
CREATE INDEX "IDX_session_expiredAt" ON "session" ("expiredAt");
-- rows
INSERT INTO session ("expiredAt", id, json) SELECT extract(epoch FROM ends) * 1000, name, '{}' FROM ending;
