//! Java, Go, Rust, C# and Elixir.

use super::*;

pub(super) const ALL: &[Framework] = &[
    SPRING_SESSION,
    SCS,
    PGSTORE,
    FIBER,
    TOWER_SESSIONS,
    ASPNET_CACHE,
    PHOENIX,
    ASPNET_MICROSOFT,
    JETTY,
    AXUM_SESSION,
    ASYNC_SQLX_SESSION,
];

/// Its attributes go with a session by a cascading foreign key.
const SPRING_SESSION: Framework = Framework {
    name: "Spring Session JDBC",
    columns: &[
        ("primary_id", TEXT),
        ("session_id", TEXT),
        ("last_access_time", INTEGER),
        ("max_inactive_interval", INTEGER),
        ("expiry_time", INTEGER),
    ],
    also: &[("creation_time", INTEGER), ("principal_name", TEXT)],
    expires: "expiry_time",
    unit: Some(Unit::Milliseconds),
    ..ABSOLUTE
};

/// Go: alexedwards/scs with any of its stores for PostgreSQL.
const SCS: Framework = Framework {
    name: "SCS",
    columns: &[("token", TEXT), ("data", BYTEA), ("expiry", TIMESTAMPTZ)],
    expires: "expiry",
    ..COMMON
};

/// Go: antonlindstrom/pgstore, for gorilla/sessions.
const PGSTORE: Framework = Framework {
    name: "pgstore",
    columns: &[
        ("key", BYTEA),
        ("data", BYTEA),
        ("modified_on", TIMESTAMPTZ),
        ("expires_on", TIMESTAMPTZ),
    ],
    also: &[("id", INTEGER), ("created_on", TIMESTAMPTZ)],
    expires: "expires_on",
    ..COMMON
};

/// Go: gofiber/storage, which also keeps caches and rate limits.
const FIBER: Framework = Framework {
    name: "Fiber storage",
    columns: &[("k", TEXT), ("v", BYTEA), ("e", INTEGER)],
    names: &["sess", "fiber", "cache", "limiter"],
    expires: "e",
    unit: Some(Unit::Seconds),
    ..COMMON
};

/// Rust: tower-sessions-sqlx-store.
const TOWER_SESSIONS: Framework = Framework {
    name: "tower-sessions",
    columns: &[("id", TEXT), ("data", BYTEA), ("expiry_date", TIMESTAMPTZ)],
    expires: "expiry_date",
    ..COMMON
};

/// C#: Community.Microsoft.Extensions.Caching.PostgreSql, which keeps the sessions of ASP.NET Core.
const ASPNET_CACHE: Framework = Framework {
    name: "ASP.NET Core distributed cache",
    columns: &[
        ("Id", TEXT),
        ("Value", BYTEA),
        ("ExpiresAtTime", TIMESTAMPTZ),
        ("SlidingExpirationInSeconds", FLOAT8),
    ],
    also: &[("AbsoluteExpiration", TIMESTAMPTZ)],
    names: &["sess", "cache"],
    expires: "ExpiresAtTime",
    ..ABSOLUTE
};

/// Elixir. Tokens for other purposes are in the same table, and live for minutes or days.
const PHOENIX: Framework = Framework {
    name: "Phoenix phx.gen.auth",
    columns: &[
        ("token", BYTEA),
        ("context", TEXT),
        ("sent_to", TEXT),
        ("inserted_at", TIMESTAMP),
    ],
    also: &[
        ("id", KEY),
        ("authenticated_at", TIME),
        ("user_id", KEY),
        ("account_id", KEY),
        ("admin_id", KEY),
        ("customer_id", KEY),
        ("member_id", KEY),
    ],
    names: &["token", "tokens"],
    expires: "inserted_at",
    zone: Zone::Utc,
    lifetime: Lifetime::SinceCreation,
    usual_keep: Some("14 days"),
    filter: Some("context = 'session'"),
    ..ABSOLUTE
};

const ASPNET_MICROSOFT: Framework = Framework {
    name: "ASP.NET Core distributed cache, by Microsoft",
    columns: &[
        ("id", TEXT),
        ("value", BYTEA),
        ("expiresattime", TIMESTAMPTZ),
        ("slidingexpirationinseconds", INTEGER),
    ],
    also: &[("absoluteexpiration", TIMESTAMPTZ)],
    names: &["sess", "cache"],
    expires: "expiresattime",
    ..ABSOLUTE
};

const JETTY: Framework = Framework {
    name: "Jetty",
    columns: &[
        ("sessionid", TEXT),
        ("contextpath", TEXT),
        ("virtualhost", TEXT),
        ("lastaccesstime", INTEGER),
        ("expirytime", INTEGER),
        ("maxinterval", INTEGER),
    ],
    also: &[
        ("lastnode", TEXT),
        ("accesstime", INTEGER),
        ("createtime", INTEGER),
        ("cookietime", INTEGER),
        ("lastsavedtime", INTEGER),
        ("map", BYTEA),
    ],
    expires: "expirytime",
    unit: Some(Unit::Milliseconds),
    ..ABSOLUTE
};

const AXUM_SESSION: Framework = Framework {
    name: "axum_session",
    columns: &[("id", TEXT), ("expires", INTEGER), ("session", TEXT)],
    expires: "expires",
    unit: Some(Unit::Seconds),
    ..COMMON
};

const ASYNC_SQLX_SESSION: Framework = Framework {
    name: "async-sqlx-session",
    columns: &[("id", TEXT), ("expires", TIMESTAMPTZ), ("session", DATA)],
    expires: "expires",
    ..COMMON
};
