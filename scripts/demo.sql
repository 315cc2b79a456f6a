-- Fills django_session up to :rows sessions: one every so often for 140 days, each living for two weeks, so that nine
-- in ten have expired. Key and data look like Django's (32 characters; a compressed, signed dictionary), and the data
-- differs from row to row. Nothing expires during the demo's next hour: two cleaners that run seconds apart have to
-- leave the same rows.
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5('key' || number),
    '.eJx' || data || ':1' || left(md5('time' || number), 5) || ':' || left(data, 43),
    CASE WHEN instant < now() THEN instant ELSE instant + interval '1 hour' END
FROM (
    SELECT number,
        now() - interval '126 days' + interval '140 days' * number / filled AS instant,
        translate(encode(sha512(number::text::bytea) || sha384(number::text::bytea), 'base64'), E'+/=\n', '-_') AS data
    FROM (SELECT :rows - count(*) AS filled FROM django_session) AS missing, generate_series(0, filled - 1) AS number
) AS session;
VACUUM (ANALYZE) django_session;
