-- recognized as: Fiber storage
-- Go: gofiber/storage, which also keeps caches and rate limits.
-- recipe: [Go](go.md#fiber-gofiberstorage)
-- source: gofiber/storage@01788d6: postgres/postgres.go
-- columns: k text, v bytea, e integer
-- further: none
-- named: sess, fiber, cache, limiter
-- expires: e, seconds
CREATE TABLE fiber_storage (
    k text DEFAULT '' NOT NULL PRIMARY KEY,
    v bytea NOT NULL,
    e bigint DEFAULT 0 NOT NULL
);
CREATE INDEX fiber_storage_e_idx ON fiber_storage (e);
-- rows
INSERT INTO fiber_storage (k, v, e) SELECT name, '\x7b', extract(epoch FROM ends) FROM ending;
-- endless
INSERT INTO fiber_storage (k, v, e) VALUES ('endless', '\x7b', 0);
