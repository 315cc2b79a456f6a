-- recognized as: ASP.NET Core distributed cache
-- C#: Community.Microsoft.Extensions.Caching.PostgreSql, which keeps the sessions of ASP.NET Core.
-- recipe: [ASP.NET Core](aspnet.md)
-- source: leonibr/community-extensions-cache-postgres@78b7548: Extensions.Caching.PostgreSql/SqlCommands.cs
-- columns: Id text, Value bytea, ExpiresAtTime timestamptz, SlidingExpirationInSeconds float8
-- also: AbsoluteExpiration timestamptz
-- named: sess, cache
-- expires: ExpiresAtTime
CREATE TABLE "DistCache" (
    "Id" text NOT NULL PRIMARY KEY,
    "Value" bytea,
    "ExpiresAtTime" timestamp with time zone,
    "SlidingExpirationInSeconds" double precision,
    "AbsoluteExpiration" timestamp with time zone
);
-- rows
INSERT INTO "DistCache" ("Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds", "AbsoluteExpiration")
SELECT name, '\x02', ends, 1200, NULL FROM ending;
