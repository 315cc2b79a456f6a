-- recognized as: axum_session
-- recipe: [axum_session](more.md#axum_session)
-- source: made by axum_session 0.20.0
-- columns: id text, expires integer, session text
-- further: none
-- expires: expires, seconds
CREATE TABLE sessions (
    id character varying(128) NOT NULL PRIMARY KEY,
    expires bigint,
    session text NOT NULL
);
-- rows
INSERT INTO sessions SELECT name, extract(epoch FROM ends), '{}' FROM ending;
