//! JavaScript: the stores of express-session, Auth.js, better-auth, Lucia.

use super::*;

pub(super) const ALL: &[Framework] = &[
    CONNECT_PG_SIMPLE,
    CONNECT_SESSION_KNEX,
    CONNECT_SESSION_SEQUELIZE,
    EXPRESS_SESSION_SEQUELIZE,
    CONNECT_TYPEORM,
    AUTH_JS,
    AUTH_JS_TIMESTAMP,
    BETTER_AUTH,
    BETTER_AUTH_TIMESTAMP,
    BETTER_AUTH_DRIZZLE,
    LUCIA_2,
    LUCIA_3,
    AUTH_JS_SNAKE,
    AUTH_JS_SNAKE_TIMESTAMP,
    BETTER_AUTH_SNAKE,
    CONNECT_PG_SIMPLE_TZ,
    DIRECTUS,
    PAYLOAD,
    ADONIS,
    PRISMA_SESSION_STORE,
];

/// Stores `to_timestamp(…)` in a timestamp without time zone: in the zone of the client's session.
const CONNECT_PG_SIMPLE: Framework = Framework {
    name: "connect-pg-simple",
    columns: &[("sid", TEXT), ("sess", JSON), ("expire", TIMESTAMP)],
    expires: "expire",
    zone: Zone::Writer,
    ..ABSOLUTE
};

const CONNECT_SESSION_KNEX: Framework = Framework {
    name: "connect-session-knex",
    columns: &[("sid", TEXT), ("sess", JSON), ("expired", TIMESTAMPTZ)],
    expires: "expired",
    ..ABSOLUTE
};

const CONNECT_SESSION_SEQUELIZE: Framework = Framework {
    name: "connect-session-sequelize",
    columns: &[("sid", TEXT), ("expires", TIMESTAMPTZ), ("data", TEXT)],
    also: &[
        ("createdAt", TIMESTAMPTZ),
        ("updatedAt", TIMESTAMPTZ),
        ("userId", KEY),
    ],
    expires: "expires",
    ..COMMON
};

const EXPRESS_SESSION_SEQUELIZE: Framework = Framework {
    name: "express-session-sequelize",
    columns: &[
        ("session_id", TEXT),
        ("expires", TIMESTAMPTZ),
        ("data", TEXT),
    ],
    also: &[("createdAt", TIMESTAMPTZ), ("updatedAt", TIMESTAMPTZ)],
    expires: "expires",
    ..COMMON
};

const CONNECT_TYPEORM: Framework = Framework {
    name: "connect-typeorm",
    columns: &[("id", TEXT), ("expiredAt", INTEGER), ("json", TEXT)],
    also: &[("destroyedAt", TIME)],
    expires: "expiredAt",
    unit: Some(Unit::Milliseconds),
    ..COMMON
};

/// The adapters for node-postgres and Kysely.
const AUTH_JS: Framework = Framework {
    name: "Auth.js",
    columns: &[
        ("sessionToken", TOKEN),
        ("userId", KEY),
        ("expires", TIMESTAMPTZ),
    ],
    also: &[("id", KEY)],
    expires: "expires",
    common: true,
    ..ABSOLUTE
};

/// The adapters for Drizzle and Prisma, and tables of one's own.
const AUTH_JS_TIMESTAMP: Framework = Framework {
    name: "Auth.js, timestamp",
    columns: &[
        ("sessionToken", TOKEN),
        ("userId", KEY),
        ("expires", TIMESTAMP),
    ],
    zone: Zone::Writer,
    note: Some(DRIZZLE_AND_PRISMA),
    ..AUTH_JS
};

/// What its own migration makes.
const BETTER_AUTH: Framework = Framework {
    name: "better-auth",
    columns: &[
        ("id", KEY),
        ("expiresAt", TIMESTAMPTZ),
        ("token", TEXT),
        ("createdAt", TIMESTAMPTZ),
        ("updatedAt", TIMESTAMPTZ),
        ("ipAddress", TEXT),
        ("userAgent", TEXT),
        ("userId", KEY),
    ],
    further: Further::Any,
    expires: "expiresAt",
    common: true,
    ..ABSOLUTE
};

/// What its schema makes through Prisma.
const BETTER_AUTH_TIMESTAMP: Framework = Framework {
    name: "better-auth, timestamp",
    columns: &[
        ("id", KEY),
        ("expiresAt", TIMESTAMP),
        ("token", TEXT),
        ("createdAt", TIMESTAMP),
        ("updatedAt", TIMESTAMP),
        ("ipAddress", TEXT),
        ("userAgent", TEXT),
        ("userId", KEY),
    ],
    zone: Zone::Writer,
    note: Some(DRIZZLE_AND_PRISMA),
    ..BETTER_AUTH
};

/// What its schema makes through Drizzle. Tables of one's own look the same, which is why the zone is not assumed.
const BETTER_AUTH_DRIZZLE: Framework = Framework {
    name: "better-auth, Drizzle",
    columns: &[
        ("id", KEY),
        ("expires_at", TIMESTAMP),
        ("token", TEXT),
        ("created_at", TIMESTAMP),
        ("updated_at", TIMESTAMP),
        ("ip_address", TEXT),
        ("user_agent", TEXT),
        ("user_id", KEY),
    ],
    further: Further::Any,
    expires: "expires_at",
    zone: Zone::Writer,
    note: Some(DRIZZLE_AND_PRISMA),
    common: true,
    ..ABSOLUTE
};

const DRIZZLE_AND_PRISMA: &str = "Drizzle and Prisma write UTC into columns of type timestamp without time zone: time_zone => 'UTC'";

/// The active period ends earlier, but until the idle period has ended the session can be renewed.
const LUCIA_2: Framework = Framework {
    name: "Lucia 2",
    columns: &[
        ("id", TEXT),
        ("user_id", KEY),
        ("active_expires", INTEGER),
        ("idle_expires", INTEGER),
    ],
    expires: "idle_expires",
    unit: Some(Unit::Milliseconds),
    ..COMMON
};

/// A subscription or an API key has these columns too, but hardly these alone.
const LUCIA_3: Framework = Framework {
    name: "Lucia 3",
    columns: &[("id", TEXT), ("user_id", KEY), ("expires_at", TIMESTAMPTZ)],
    expires: "expires_at",
    ..COMMON
};

const AUTH_JS_SNAKE: Framework = Framework {
    name: "Auth.js, snake case",
    columns: &[
        ("session_token", TOKEN),
        ("user_id", KEY),
        ("expires", TIMESTAMPTZ),
    ],
    also: &[("id", KEY)],
    expires: "expires",
    common: true,
    ..ABSOLUTE
};

const AUTH_JS_SNAKE_TIMESTAMP: Framework = Framework {
    name: "Auth.js, snake case, timestamp",
    columns: &[
        ("session_token", TOKEN),
        ("user_id", KEY),
        ("expires", TIMESTAMP),
    ],
    also: &[("id", KEY)],
    expires: "expires",
    zone: Zone::Writer,
    note: Some(DRIZZLE_AND_PRISMA),
    common: true,
    ..ABSOLUTE
};

const BETTER_AUTH_SNAKE: Framework = Framework {
    name: "better-auth, snake case",
    columns: &[
        ("id", KEY),
        ("expires_at", TIMESTAMPTZ),
        ("token", TEXT),
        ("created_at", TIMESTAMPTZ),
        ("updated_at", TIMESTAMPTZ),
        ("ip_address", TEXT),
        ("user_agent", TEXT),
        ("user_id", KEY),
    ],
    further: Further::Any,
    expires: "expires_at",
    common: true,
    ..ABSOLUTE
};

const CONNECT_PG_SIMPLE_TZ: Framework = Framework {
    name: "connect-pg-simple, timestamptz",
    columns: &[("sid", TEXT), ("sess", JSON), ("expire", TIMESTAMPTZ)],
    expires: "expire",
    ..ABSOLUTE
};

const DIRECTUS: Framework = Framework {
    name: "Directus",
    columns: &[
        ("token", TEXT),
        ("user", UUID),
        ("expires", TIMESTAMPTZ),
        ("ip", TEXT),
        ("user_agent", TEXT),
    ],
    also: &[
        ("share", UUID),
        ("origin", TEXT),
        ("next_token", TEXT),
        ("oauth_client", TEXT),
    ],
    further: Further::Optional,
    expires: "expires",
    ..COMMON
};

const PAYLOAD: Framework = Framework {
    name: "Payload",
    columns: &[
        ("_order", INTEGER),
        ("_parent_id", KEY),
        ("id", TEXT),
        ("expires_at", TIMESTAMPTZ),
    ],
    also: &[("created_at", TIMESTAMPTZ)],
    expires: "expires_at",
    ..COMMON
};

const ADONIS: Framework = Framework {
    name: "AdonisJS",
    columns: &[
        ("id", TEXT),
        ("data", TEXT),
        ("user_id", TEXT),
        ("expires_at", TIMESTAMPTZ),
    ],
    expires: "expires_at",
    ..COMMON
};

const PRISMA_SESSION_STORE: Framework = Framework {
    name: "prisma-session-store",
    columns: &[
        ("id", TEXT),
        ("sid", TEXT),
        ("data", TEXT),
        ("expiresAt", TIMESTAMP),
    ],
    expires: "expiresAt",
    zone: Zone::Utc,
    ..COMMON
};
