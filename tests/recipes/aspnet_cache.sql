INSERT INTO "DistCache" ("Id", "Value", "ExpiresAtTime", "SlidingExpirationInSeconds", "AbsoluteExpiration")
SELECT name, '\x02', ends, 1200, NULL FROM ending;
