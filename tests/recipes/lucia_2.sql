-- The active period is over; what counts is the idle period.
INSERT INTO user_session (id, user_id, active_expires, idle_expires)
SELECT name, number, extract(epoch FROM ends - interval '14 days') * 1000, extract(epoch FROM ends) * 1000 FROM ending;
