CREATE TABLE "Token" (name text PRIMARY KEY, "validUntil" timestamp with time zone);
-- rows
INSERT INTO "Token" SELECT name, ends FROM ending;
