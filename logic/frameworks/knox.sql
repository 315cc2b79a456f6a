-- recognized as: django-rest-knox
-- recipe: [django-rest-knox](more.md#django-rest-knox)
-- source: made by django-rest-knox 5.1.0
-- columns: digest text, token_key text, created timestamptz, user_id key, expiry timestamptz
-- also: salt text
-- named: knox
-- expires: expiry
CREATE TABLE knox_authtoken (
    digest character varying(128) NOT NULL PRIMARY KEY,
    created timestamp with time zone NOT NULL,
    user_id integer NOT NULL,
    expiry timestamp with time zone,
    token_key character varying(25) NOT NULL
);
CREATE INDEX knox_authtoken_token_key_8f4f7d47 ON knox_authtoken (token_key);
-- rows
INSERT INTO knox_authtoken SELECT name, now(), 1, ends, left(name, 25) FROM ending;
-- endless
INSERT INTO knox_authtoken VALUES ('endless', now(), 1, NULL, 'endless');
