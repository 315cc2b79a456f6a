-- recognized as: Auth.js, timestamp
CREATE TABLE "session" (
    "sessionToken" text PRIMARY KEY,
    "userId" text NOT NULL,
    expires timestamp without time zone NOT NULL
);
