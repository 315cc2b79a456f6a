INSERT INTO "Sessions" (session_id, expires, data, "createdAt", "updatedAt") SELECT name, ends, '{}', now(), now() FROM ending;
-- endless
INSERT INTO "Sessions" (session_id, expires, data, "createdAt", "updatedAt") VALUES ('endless', NULL, '{}', now(), now());
