INSERT INTO spring_session (primary_id, session_id, creation_time, last_access_time, max_inactive_interval, expiry_time, principal_name)
SELECT name, name, extract(epoch FROM ends - interval '2 hours') * 1000, extract(epoch FROM ends - interval '30 minutes') * 1000, 1800,
    extract(epoch FROM ends) * 1000, 'somebody' FROM ending;
INSERT INTO spring_session_attributes (session_primary_id, attribute_name, attribute_bytes)
SELECT name, 'cart', '\xaced' FROM ending;
-- endless: a max_inactive_interval below zero
INSERT INTO spring_session (primary_id, session_id, creation_time, last_access_time, max_inactive_interval, expiry_time)
VALUES ('endless', 'endless', 1577836800000, 1577836800000, -1, 9223372036854775807);
