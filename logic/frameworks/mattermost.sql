-- recognized as: Mattermost
-- recipe: [Mattermost](mattermost.md)
-- source: mattermost/mattermost@45b3110: server/channels/db/migrations/postgres/000022_create_sessions.up.sql
-- columns: token text, createat integer, expiresat integer, lastactivityat integer, userid text
-- also: id text, isoauth bool, expirednotify bool
-- expires: expiresat, milliseconds
CREATE TABLE sessions (
    id character varying(26) PRIMARY KEY,
    token character varying(26),
    createat bigint,
    expiresat bigint,
    lastactivityat bigint,
    userid character varying(26),
    deviceid character varying(512),
    roles character varying(64),
    isoauth boolean,
    props jsonb,
    expirednotify boolean
);
CREATE INDEX idx_sessions_user_id ON sessions (userid);
CREATE INDEX idx_sessions_token ON sessions (token);
CREATE INDEX idx_sessions_expires_at ON sessions (expiresat);
CREATE INDEX idx_sessions_create_at ON sessions (createat);
CREATE INDEX idx_sessions_last_activity_at ON sessions (lastactivityat);
-- rows
INSERT INTO sessions (id, token, createat, expiresat, lastactivityat, userid)
SELECT left(md5(name), 26), left(md5('token of ' || name), 26), 1577836800000, extract(epoch FROM ends) * 1000, 1577836800000, 'user' FROM ending;
-- endless: a personal access token
INSERT INTO sessions (id, token, createat, expiresat, lastactivityat, userid)
VALUES ('endless', 'endless', 1577836800000, 0, 1577836800000, 'user');
