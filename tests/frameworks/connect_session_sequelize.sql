-- recognized as: connect-session-sequelize
-- recipe: [Express](express.md#connect-session-sequelize)
-- source: made by connect-session-sequelize 7.1.7
CREATE TABLE "Sessions" (
    sid character varying(36) PRIMARY KEY,
    expires timestamp with time zone,
    data text,
    "createdAt" timestamp with time zone NOT NULL,
    "updatedAt" timestamp with time zone NOT NULL
);
