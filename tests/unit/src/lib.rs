//! The rule room, compiled without PostgreSQL, so that its tests run with plain `cargo test -p unit`.

#[path = "../../../src/rule/mod.rs"]
pub mod rule;
pub mod tables;
