//! Python: Django, Flask.

use super::*;

pub(super) const ALL: &[Framework] =
    &[DJANGO_SESSIONS, DJANGO_CACHE, FLASK_SESSION, KNOX, LITESTAR];

/// The backends `db` and `cached_db`; a model of one's own adds columns to these.
const DJANGO_SESSIONS: Framework = Framework {
    name: "Django sessions",
    columns: &[
        ("session_key", TEXT),
        ("session_data", TEXT),
        ("expire_date", TIMESTAMPTZ),
    ],
    further: Further::Any,
    expires: "expire_date",
    ..ABSOLUTE
};

/// What `createcachetable` makes, under a name of the site's choice.
const DJANGO_CACHE: Framework = Framework {
    name: "Django database cache",
    columns: &[
        ("cache_key", TEXT),
        ("value", TEXT),
        ("expires", TIMESTAMPTZ),
    ],
    names: &["cache"],
    expires: "expires",
    ..ABSOLUTE
};

const FLASK_SESSION: Framework = Framework {
    name: "Flask-Session",
    columns: &[
        ("id", INTEGER),
        ("session_id", TEXT),
        ("data", BYTEA),
        ("expiry", TIMESTAMP),
    ],
    expires: "expiry",
    zone: Zone::Utc,
    ..COMMON
};

const KNOX: Framework = Framework {
    name: "django-rest-knox",
    columns: &[
        ("digest", TEXT),
        ("token_key", TEXT),
        ("created", TIMESTAMPTZ),
        ("user_id", KEY),
        ("expiry", TIMESTAMPTZ),
    ],
    also: &[("salt", TEXT)],
    names: &["knox"],
    expires: "expiry",
    ..ABSOLUTE
};

const LITESTAR: Framework = Framework {
    name: "Litestar",
    columns: &[
        ("id", UUID),
        ("session_id", TEXT),
        ("data", BYTEA),
        ("expires_at", TIMESTAMPTZ),
    ],
    also: &[
        ("created_at", TIMESTAMPTZ),
        ("updated_at", TIMESTAMPTZ),
        ("sa_orm_sentinel", INTEGER),
    ],
    expires: "expires_at",
    ..COMMON
};
