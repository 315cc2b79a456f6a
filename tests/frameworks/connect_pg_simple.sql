-- recognized as: connect-pg-simple
-- recipe: [Express](express.md#connect-pg-simple)
-- source: made by connect-pg-simple 10.0.0
CREATE TABLE "session" (
    sid character varying NOT NULL,
    sess json NOT NULL,
    expire timestamp(6) without time zone NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (sid)
);
CREATE INDEX "IDX_session_expire" ON "session" (expire);
