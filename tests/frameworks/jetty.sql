-- recognized as: Jetty
-- recipe: [Jetty](more.md#jetty)
-- source: jetty/jetty.project@jetty-9.4.57: org/eclipse/jetty/server/session/JDBCSessionDataStore.java, made by it
CREATE TABLE jettysessions (
    sessionid character varying(120) NOT NULL,
    contextpath character varying(60) NOT NULL,
    virtualhost character varying(60) NOT NULL,
    lastnode character varying(60),
    accesstime bigint,
    lastaccesstime bigint,
    createtime bigint,
    cookietime bigint,
    lastsavedtime bigint,
    expirytime bigint,
    maxinterval bigint,
    map bytea,
    PRIMARY KEY (sessionid, contextpath, virtualhost)
);
CREATE INDEX idx_jettysessions_expiry ON jettysessions (expirytime);
