INSERT INTO ci_sessions (id, ip_address, "timestamp") SELECT name, '::1', extract(epoch FROM ends - interval '2 hours') FROM ending;
