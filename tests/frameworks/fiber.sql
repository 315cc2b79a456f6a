-- recognized as: Fiber storage
-- recipe: [Go](go.md#fiber-gofiberstorage)
-- source: gofiber/storage@01788d6: postgres/postgres.go
CREATE TABLE fiber_storage (
    k text DEFAULT '' NOT NULL PRIMARY KEY,
    v bytea NOT NULL,
    e bigint DEFAULT 0 NOT NULL
);
CREATE INDEX fiber_storage_e_idx ON fiber_storage (e);
