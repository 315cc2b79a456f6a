"""Libraries from crates.io."""

from case import TARGET, stores

Stores = stores([f"{TARGET}/rust/debug/stores"], [
    ("tower-sessions", "tower-sessions", "tower_sessions.session"),
])
