//! PHP: Laravel, Symfony, Drupal, CodeIgniter, Yii, CakePHP.

use super::super::unit::Unit;
use super::{ABSOLUTE, BYTEA, Framework, INET, INTEGER, Lifetime, TEXT, TIMESTAMPTZ};

pub(super) const LARAVEL_SESSIONS: Framework = Framework {
    name: "Laravel sessions",
    columns: &[("id", TEXT), ("payload", TEXT), ("last_activity", INTEGER)],
    expires: "last_activity",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("120 minutes"),
    ..ABSOLUTE
};

pub(super) const LARAVEL_CACHE: Framework = Framework {
    name: "Laravel cache",
    columns: &[("key", TEXT), ("value", TEXT), ("expiration", INTEGER)],
    expires: "expiration",
    unit: Some(Unit::Seconds),
    ..ABSOLUTE
};

pub(super) const LARAVEL_CACHE_LOCKS: Framework = Framework {
    name: "Laravel cache locks",
    columns: &[("key", TEXT), ("owner", TEXT), ("expiration", INTEGER)],
    ..LARAVEL_CACHE
};

/// Since 4.4 `sess_lifetime` is the instant of the end. Before, it was a number of seconds after `sess_time`, which is
/// implausible as an instant and therefore refused.
pub(super) const SYMFONY: Framework = Framework {
    name: "Symfony PdoSessionHandler",
    columns: &[
        ("sess_id", TEXT),
        ("sess_data", BYTEA),
        ("sess_lifetime", INTEGER),
        ("sess_time", INTEGER),
    ],
    expires: "sess_lifetime",
    unit: Some(Unit::Seconds),
    note: Some(
        "rows written by Symfony 4.3 or earlier need expires => 'sess_time + sess_lifetime', unit => 'seconds'",
    ),
    ..ABSOLUTE
};

pub(super) const DRUPAL: Framework = Framework {
    name: "Drupal",
    columns: &[
        ("uid", INTEGER),
        ("sid", TEXT),
        ("hostname", TEXT),
        ("timestamp", INTEGER),
        ("session", BYTEA),
    ],
    expires: "timestamp",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("200000 seconds"),
    ..ABSOLUTE
};

pub(super) const CODEIGNITER: Framework = Framework {
    name: "CodeIgniter 4",
    columns: &[
        ("id", TEXT),
        ("ip_address", INET),
        ("timestamp", TIMESTAMPTZ),
        ("data", BYTEA),
    ],
    expires: "timestamp",
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("2 hours"),
    ..ABSOLUTE
};

pub(super) const YII: Framework = Framework {
    name: "Yii 2 DbSession",
    columns: &[("id", TEXT), ("expire", INTEGER), ("data", BYTEA)],
    expires: "expire",
    unit: Some(Unit::Seconds),
    ..ABSOLUTE
};

pub(super) const CAKEPHP: Framework = Framework {
    name: "CakePHP",
    columns: &[("id", TEXT), ("data", BYTEA), ("expires", INTEGER)],
    expires: "expires",
    unit: Some(Unit::Seconds),
    ..ABSOLUTE
};
