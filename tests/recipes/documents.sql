CREATE TABLE document (id bigserial PRIMARY KEY, body jsonb);
-- rows
INSERT INTO document (body) SELECT jsonb_build_object('name', name, 'exp', extract(epoch FROM ends)::bigint) FROM ending;
-- endless
INSERT INTO document (body) VALUES ('{"name": "endless"}');
