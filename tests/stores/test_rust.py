"""Libraries from crates.io."""

from case import TARGET, stores

Stores = stores([f"{TARGET}/rust/debug/stores"], [
    ("tower-sessions", "tower-sessions", "tower_sessions.session"),
    ("axum_session", "axum_session", "sessions"),
    ("async-sqlx-session", "async-sqlx-session", "async_sessions"),
])
