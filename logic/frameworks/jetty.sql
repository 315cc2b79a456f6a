-- recognized as: Jetty
-- recipe: [Jetty](more.md#jetty)
-- source: jetty/jetty.project@jetty-9.4.57: org/eclipse/jetty/server/session/JDBCSessionDataStore.java, made by it
-- columns: sessionid text, contextpath text, virtualhost text, lastaccesstime integer, expirytime integer,
--   maxinterval integer
-- also: lastnode text, accesstime integer, createtime integer, cookietime integer, lastsavedtime integer, map bytea
-- expires: expirytime, milliseconds
-- since: stored end, usually 1 hour
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
-- rows
INSERT INTO jettysessions (sessionid, contextpath, virtualhost, expirytime) SELECT name, '', '', extract(epoch FROM ends - interval '1 hour') * 1000 FROM ending;
-- endless
INSERT INTO jettysessions (sessionid, contextpath, virtualhost, expirytime) VALUES ('endless', '', '', 0);
