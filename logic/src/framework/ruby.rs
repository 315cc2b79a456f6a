//! Ruby: Rails with activerecord-session_store.

use super::*;

pub(super) const ALL: &[Framework] = &[RAILS, RAILS_TIMESTAMPTZ, RAILS_AUTHENTICATION, CATALYST];

const RAILS: Framework = Framework {
    name: "activerecord-session_store",
    columns: &[
        ("session_id", TEXT),
        ("data", DATA),
        ("created_at", TIMESTAMP),
        ("updated_at", TIMESTAMP),
    ],
    also: &[("id", KEY)],
    common: true,
    expires: "updated_at",
    zone: Zone::Utc,
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("30 days"),
    ..ABSOLUTE
};

/// Where the application sets `PostgreSQLAdapter.datetime_type = :timestamptz`.
const RAILS_TIMESTAMPTZ: Framework = Framework {
    name: "activerecord-session_store, timestamptz",
    columns: &[
        ("session_id", TEXT),
        ("data", DATA),
        ("created_at", TIMESTAMPTZ),
        ("updated_at", TIMESTAMPTZ),
    ],
    zone: Zone::NotNaive,
    ..RAILS
};

const RAILS_AUTHENTICATION: Framework = Framework {
    name: "Rails authentication",
    columns: &[
        ("user_id", KEY),
        ("ip_address", TEXT),
        ("user_agent", TEXT),
        ("created_at", TIMESTAMP),
        ("updated_at", TIMESTAMP),
    ],
    also: &[("id", KEY)],
    common: true,
    expires: "updated_at",
    zone: Zone::Utc,
    lifetime: Lifetime::SinceLastActivity,
    ..ABSOLUTE
};

const CATALYST: Framework = Framework {
    name: "Catalyst",
    columns: &[("id", TEXT), ("session_data", TEXT), ("expires", INTEGER)],
    expires: "expires",
    unit: Some(Unit::Seconds),
    ..COMMON
};
