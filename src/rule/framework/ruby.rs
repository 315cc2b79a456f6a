//! Ruby: Rails with activerecord-session_store.

use super::{ABSOLUTE, Framework, Lifetime, TEXT, TIMESTAMP, TIMESTAMPTZ, Zone};

pub(super) const RAILS: Framework = Framework {
    name: "activerecord-session_store",
    columns: &[
        ("session_id", TEXT),
        ("data", TEXT),
        ("created_at", TIMESTAMP),
        ("updated_at", TIMESTAMP),
    ],
    expires: "updated_at",
    zone: Zone::Utc,
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("30 days"),
    ..ABSOLUTE
};

/// Where the application sets `PostgreSQLAdapter.datetime_type = :timestamptz`.
pub(super) const RAILS_TIMESTAMPTZ: Framework = Framework {
    name: "activerecord-session_store, timestamptz",
    columns: &[
        ("session_id", TEXT),
        ("data", TEXT),
        ("created_at", TIMESTAMPTZ),
        ("updated_at", TIMESTAMPTZ),
    ],
    zone: Zone::NotNaive,
    ..RAILS
};
