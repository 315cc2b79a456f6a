-- recognized as: ASP.NET Core distributed cache
-- recipe: [ASP.NET Core](aspnet.md)
-- source: leonibr/community-extensions-cache-postgres@78b7548: Extensions.Caching.PostgreSql/SqlCommands.cs
CREATE TABLE "DistCache" (
    "Id" text NOT NULL PRIMARY KEY,
    "Value" bytea,
    "ExpiresAtTime" timestamp with time zone,
    "SlidingExpirationInSeconds" double precision,
    "AbsoluteExpiration" timestamp with time zone
);
