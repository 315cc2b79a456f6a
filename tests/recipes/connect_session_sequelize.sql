INSERT INTO "Sessions" (sid, expires, data, "createdAt", "updatedAt") SELECT name, ends, '{}', now(), now() FROM ending;
-- endless
INSERT INTO "Sessions" (sid, expires, data, "createdAt", "updatedAt") VALUES ('endless', NULL, '{}', now(), now());
