//! PHP: Laravel, Symfony, Drupal, CodeIgniter, Yii, CakePHP.

use super::*;

pub(super) const ALL: &[Framework] = &[
    LARAVEL_SESSIONS,
    LARAVEL_SESSIONS_5_1,
    LARAVEL_CACHE,
    LARAVEL_CACHE_LOCKS,
    SYMFONY,
    DRUPAL,
    CODEIGNITER,
    YII,
    CAKEPHP,
    CODEIGNITER_3,
    YII_TEXT,
    ROUNDCUBE,
    ROUNDCUBE_1_7,
    ROUNDCUBE_CACHE,
    ROUNDCUBE_MAILBOXES,
    MEDIAWIKI,
    SYMFONY_LOCKS,
];

const LARAVEL_SESSIONS: Framework = Framework {
    name: "Laravel sessions",
    columns: &[
        ("id", TEXT),
        ("user_id", KEY),
        ("ip_address", TEXT),
        ("user_agent", TEXT),
        ("payload", TEXT),
        ("last_activity", INTEGER),
    ],
    expires: "last_activity",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("120 minutes"),
    ..ABSOLUTE
};

/// As Laravel made it before 5.2.
const LARAVEL_SESSIONS_5_1: Framework = Framework {
    name: "Laravel 5.1 sessions",
    columns: &[("id", TEXT), ("payload", TEXT), ("last_activity", INTEGER)],
    common: true,
    ..LARAVEL_SESSIONS
};

const LARAVEL_CACHE: Framework = Framework {
    name: "Laravel cache",
    columns: &[("key", TEXT), ("value", TEXT), ("expiration", INTEGER)],
    names: &["cache", "caches"],
    expires: "expiration",
    unit: Some(Unit::Seconds),
    ..COMMON
};

const LARAVEL_CACHE_LOCKS: Framework = Framework {
    name: "Laravel cache locks",
    columns: &[("key", TEXT), ("owner", TEXT), ("expiration", INTEGER)],
    names: &["cache_locks", "cache_lock"],
    ..LARAVEL_CACHE
};

/// Since 4.4 `sess_lifetime` is the instant of the end. Before, it was a number of seconds after `sess_time`, which is
/// implausible as an instant, however long, and therefore refused.
const SYMFONY: Framework = Framework {
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
        "rows written by Symfony 4.3 or earlier need expires => 'sess_time + sess_lifetime', unit => 'seconds', keep => '0'",
    ),
    ..ABSOLUTE
};

const DRUPAL: Framework = Framework {
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

const CODEIGNITER: Framework = Framework {
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
    ..COMMON
};

const YII: Framework = Framework {
    name: "Yii 2 DbSession",
    columns: &[("id", TEXT), ("expire", INTEGER), ("data", BYTEA)],
    also: &[("user_id", KEY), ("last_write", KEY)],
    expires: "expire",
    unit: Some(Unit::Seconds),
    ..COMMON
};

const CAKEPHP: Framework = Framework {
    name: "CakePHP",
    columns: &[("id", TEXT), ("data", BLOB), ("expires", INTEGER)],
    also: &[("created", TIME), ("modified", TIME)],
    expires: "expires",
    unit: Some(Unit::Seconds),
    ..COMMON
};

const CODEIGNITER_3: Framework = Framework {
    name: "CodeIgniter 3",
    columns: &[
        ("id", TEXT),
        ("ip_address", ADDRESS),
        ("timestamp", INTEGER),
        ("data", TEXT),
    ],
    expires: "timestamp",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("2 hours"),
    ..COMMON
};

const YII_TEXT: Framework = Framework {
    name: "Yii 2 DbSession, text",
    columns: &[("id", TEXT), ("expire", INTEGER), ("data", TEXT)],
    also: &[("user_id", KEY), ("last_write", KEY)],
    expires: "expire",
    unit: Some(Unit::Seconds),
    ..COMMON
};

const ROUNDCUBE: Framework = Framework {
    name: "Roundcube",
    columns: &[
        ("sess_id", TEXT),
        ("changed", TIMESTAMPTZ),
        ("ip", TEXT),
        ("vars", TEXT),
    ],
    also: &[("created", TIMESTAMPTZ)],
    expires: "changed",
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("10 minutes"),
    ..ABSOLUTE
};

/// Where the column holds the instant of expiry, and no longer the last change.
const ROUNDCUBE_1_7: Framework = Framework {
    name: "Roundcube 1.7",
    columns: &[
        ("sess_id", TEXT),
        ("expires_at", TIMESTAMPTZ),
        ("ip", TEXT),
        ("vars", TEXT),
    ],
    also: &[("created", TIMESTAMPTZ)],
    expires: "expires_at",
    ..ABSOLUTE
};

const ROUNDCUBE_CACHE: Framework = Framework {
    name: "Roundcube cache",
    columns: &[
        ("cache_key", TEXT),
        ("expires", TIMESTAMPTZ),
        ("data", TEXT),
    ],
    also: &[("user_id", INTEGER)],
    names: &["cache"],
    expires: "expires",
    ..COMMON
};

const ROUNDCUBE_MAILBOXES: Framework = Framework {
    name: "Roundcube cache of mailboxes",
    columns: &[
        ("user_id", INTEGER),
        ("mailbox", TEXT),
        ("expires", TIMESTAMPTZ),
        ("data", TEXT),
    ],
    also: &[("uid", INTEGER), ("valid", SMALL), ("flags", INTEGER)],
    names: &["cache"],
    expires: "expires",
    ..COMMON
};

const MEDIAWIKI: Framework = Framework {
    name: "MediaWiki object cache",
    columns: &[("keyname", TEXT), ("value", DATA), ("exptime", TIMESTAMPTZ)],
    also: &[("modtoken", TEXT), ("flags", INTEGER)],
    names: &["objectcache"],
    expires: "exptime",
    ..COMMON
};

const SYMFONY_LOCKS: Framework = Framework {
    name: "Symfony locks",
    columns: &[
        ("key_id", TEXT),
        ("key_token", TEXT),
        ("key_expiration", INTEGER),
    ],
    names: &["lock_keys"],
    expires: "key_expiration",
    unit: Some(Unit::Seconds),
    ..COMMON
};
