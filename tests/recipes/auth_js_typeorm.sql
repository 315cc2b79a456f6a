CREATE TABLE sessions (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, "sessionToken" character varying NOT NULL UNIQUE, "userId" uuid NOT NULL, expires character varying NOT NULL);
-- rows
INSERT INTO sessions ("sessionToken", "userId", expires) SELECT name, gen_random_uuid(), trunc(extract(epoch FROM ends) * 1000)::text FROM ending;
