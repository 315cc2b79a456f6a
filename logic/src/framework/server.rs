//! Servers that bring a database of their own: Supabase Auth, Ory Kratos, Keycloak, Mattermost.

use super::*;

pub(super) const ALL: &[Framework] = &[
    SUPABASE_AUTH,
    ORY_KRATOS,
    KEYCLOAK,
    MATTERMOST,
    GITEA,
    METABASE,
];

const SUPABASE_AUTH: Framework = Framework {
    name: "Supabase Auth",
    columns: &[
        ("id", UUID),
        ("user_id", UUID),
        ("factor_id", UUID),
        ("not_after", TIMESTAMPTZ),
        ("refreshed_at", TIMESTAMP),
    ],
    expires: "not_after",
    note: Some(
        "Supabase Auth itself keeps a session for 72 hours past not_after, to revoke its refresh tokens first: keep => '72 hours'",
    ),
    ..ABSOLUTE
};

const ORY_KRATOS: Framework = Framework {
    name: "Ory Kratos",
    columns: &[
        ("id", UUID),
        ("identity_id", UUID),
        ("issued_at", TIMESTAMP),
        ("authenticated_at", TIMESTAMP),
        ("expires_at", TIMESTAMP),
        ("active", BOOL),
    ],
    also: &[
        ("created_at", TIMESTAMP),
        ("updated_at", TIMESTAMP),
        ("token", TEXT),
        ("nid", UUID),
        ("logout_token", TEXT),
        ("aal", TEXT),
        ("authentication_methods", JSON),
    ],
    expires: "expires_at",
    zone: Zone::Utc,
    common: true,
    ..ABSOLUTE
};

const KEYCLOAK: Framework = Framework {
    name: "Keycloak",
    columns: &[
        ("user_session_id", TEXT),
        ("realm_id", TEXT),
        ("user_id", TEXT),
        ("offline_flag", TEXT),
        ("last_session_refresh", INTEGER),
    ],
    also: &[("created_on", INTEGER)],
    expires: "last_session_refresh",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("30 days"),
    note: Some(
        "each realm of Keycloak has timeouts of its own, so keep has to cover the longest; offline_client_session refers to this table without a foreign key and keeps its rows",
    ),
    ..ABSOLUTE
};

const MATTERMOST: Framework = Framework {
    name: "Mattermost",
    columns: &[
        ("token", TEXT),
        ("createat", INTEGER),
        ("expiresat", INTEGER),
        ("lastactivityat", INTEGER),
        ("userid", TEXT),
    ],
    also: &[("id", TEXT)],
    expires: "expiresat",
    unit: Some(Unit::Milliseconds),
    ..ABSOLUTE
};

/// Also Forgejo, Gogs and whatever else uses go-macaron's sessions. The column's name is wrong.
const GITEA: Framework = Framework {
    name: "Gitea",
    columns: &[("key", TEXT), ("data", BYTEA), ("expiry", INTEGER)],
    expires: "expiry",
    unit: Some(Unit::Seconds),
    lifetime: Lifetime::SinceLastActivity,
    usual_keep: Some("24 hours"),
    note: Some(
        "in spite of its name, column expiry says when a session was written for the last time",
    ),
    ..COMMON
};

const METABASE: Framework = Framework {
    name: "Metabase",
    columns: &[
        ("id", TEXT),
        ("user_id", INTEGER),
        ("created_at", TIMESTAMPTZ),
        ("anti_csrf_token", TEXT),
    ],
    also: &[
        ("key_hashed", TEXT),
        ("auth_identity_id", INTEGER),
        ("mfa_auth_identity_id", INTEGER),
        ("expires_at", TIME),
        ("last_active_at", TIME),
        ("saml_session_index", TEXT),
        ("saml_name_id", TEXT),
        ("saml_name_id_format", TEXT),
    ],
    expires: "created_at",
    lifetime: Lifetime::SinceCreation,
    usual_keep: Some("14 days"),
    ..ABSOLUTE
};
