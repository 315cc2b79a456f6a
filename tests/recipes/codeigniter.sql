INSERT INTO ci_sessions (id, ip_address, "timestamp", data)
SELECT 'ci_session:' || name, '127.0.0.1', ends - interval '7200 seconds', '\x5f' FROM ending;
