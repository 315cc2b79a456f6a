-- recognized as: ASP.NET Core distributed cache, by Microsoft
-- recipe: [ASP.NET Core distributed cache](more.md#aspnet-core-distributed-cache-by-microsoft)
-- source: Azure/Microsoft.Extensions.Caching.Postgres@5267eaa: src/SqlQueries.cs
-- columns: id text, value bytea, expiresattime timestamptz, slidingexpirationinseconds integer
-- also: absoluteexpiration timestamptz
-- named: sess, cache
-- expires: expiresattime
CREATE TABLE dist_cache (
    id character varying(449) NOT NULL PRIMARY KEY,
    value bytea NOT NULL,
    expiresattime timestamp with time zone NOT NULL,
    slidingexpirationinseconds bigint,
    absoluteexpiration timestamp with time zone
);
-- rows
INSERT INTO dist_cache (id, value, expiresattime) SELECT name, '\x5f', ends FROM ending;
