//! What needs no PostgreSQL, compiled without it, so that its tests run with plain `cargo test -p unit`.

#[path = "../../../src/worker/backoff.rs"]
pub mod backoff;
pub mod clock;
#[path = "../../../src/worker/due.rs"]
pub mod due;
#[path = "../../../src/worker/last_ones.rs"]
pub mod last_ones;
#[path = "../../../src/progress/measure.rs"]
pub mod measure;
#[path = "../../../src/worker/names.rs"]
pub mod names;
#[path = "../../../src/run/pace.rs"]
pub mod pace;
#[path = "../../../src/rule/mod.rs"]
pub mod rule;
#[path = "../../../src/worker/schedule/mod.rs"]
pub mod schedule;
pub mod tables;
