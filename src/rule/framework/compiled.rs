//! Java, Go, Rust, C# and Elixir.

use super::super::unit::Unit;
use super::{
    ABSOLUTE, BYTEA, FLOAT8, Framework, INTEGER, Lifetime, TEXT, TIMESTAMP, TIMESTAMPTZ, Zone,
};

/// Its attributes go with a session by a cascading foreign key.
pub(super) const SPRING_SESSION: Framework = Framework {
    name: "Spring Session JDBC",
    columns: &[
        ("primary_id", TEXT),
        ("session_id", TEXT),
        ("last_access_time", INTEGER),
        ("max_inactive_interval", INTEGER),
        ("expiry_time", INTEGER),
    ],
    expires: "expiry_time",
    unit: Some(Unit::Milliseconds),
    ..ABSOLUTE
};

/// Go: alexedwards/scs with any of its stores for PostgreSQL.
pub(super) const SCS: Framework = Framework {
    name: "SCS",
    columns: &[("token", TEXT), ("data", BYTEA), ("expiry", TIMESTAMPTZ)],
    expires: "expiry",
    ..ABSOLUTE
};

/// Go: antonlindstrom/pgstore, for gorilla/sessions.
pub(super) const PGSTORE: Framework = Framework {
    name: "pgstore",
    columns: &[
        ("key", BYTEA),
        ("data", BYTEA),
        ("modified_on", TIMESTAMPTZ),
        ("expires_on", TIMESTAMPTZ),
    ],
    expires: "expires_on",
    ..ABSOLUTE
};

/// Go: gofiber/storage, which also keeps caches and rate limits.
pub(super) const FIBER: Framework = Framework {
    name: "Fiber storage",
    columns: &[("k", TEXT), ("v", BYTEA), ("e", INTEGER)],
    expires: "e",
    unit: Some(Unit::Seconds),
    ..ABSOLUTE
};

/// Rust: tower-sessions-sqlx-store.
pub(super) const TOWER_SESSIONS: Framework = Framework {
    name: "tower-sessions",
    columns: &[("id", TEXT), ("data", BYTEA), ("expiry_date", TIMESTAMPTZ)],
    expires: "expiry_date",
    ..ABSOLUTE
};

/// C#: Community.Microsoft.Extensions.Caching.PostgreSql, which keeps the sessions of ASP.NET Core.
pub(super) const ASPNET_CACHE: Framework = Framework {
    name: "ASP.NET Core distributed cache",
    columns: &[
        ("Id", TEXT),
        ("Value", BYTEA),
        ("ExpiresAtTime", TIMESTAMPTZ),
        ("SlidingExpirationInSeconds", FLOAT8),
    ],
    expires: "ExpiresAtTime",
    ..ABSOLUTE
};

/// Elixir. Tokens for other purposes are in the same table, and live for minutes or days.
pub(super) const PHOENIX: Framework = Framework {
    name: "Phoenix phx.gen.auth",
    columns: &[
        ("token", BYTEA),
        ("context", TEXT),
        ("sent_to", TEXT),
        ("inserted_at", TIMESTAMP),
    ],
    expires: "inserted_at",
    zone: Zone::Utc,
    lifetime: Lifetime::SinceCreation,
    usual_keep: Some("14 days"),
    filter: Some("context = 'session'"),
    ..ABSOLUTE
};
