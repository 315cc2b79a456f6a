-- recognized as: express-session-sequelize
-- recipe: [express-session-sequelize](more.md#express-session-sequelize)
-- source: made by express-session-sequelize 2.3.0
CREATE TABLE "Sessions" (
    session_id character varying(32) PRIMARY KEY,
    expires timestamp with time zone,
    data text,
    "createdAt" timestamp with time zone NOT NULL,
    "updatedAt" timestamp with time zone NOT NULL
);
