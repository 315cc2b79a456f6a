-- recognized as: ASP.NET Core distributed cache
-- recipe: [ASP.NET Core](aspnet.md)
CREATE TABLE "DistCache" (
    "Id" text NOT NULL PRIMARY KEY,
    "Value" bytea,
    "ExpiresAtTime" timestamp with time zone,
    "SlidingExpirationInSeconds" double precision,
    "AbsoluteExpiration" timestamp with time zone
);
