//! raw_clear_sessions: clears expired web sessions inside PostgreSQL.
//!
//! The modules. Each uses those below it, and none above (`tests/documents`):
//!
//! - [`sql`]: the entry points, every SQL function
//! - [`find`]: the session tables of a database
//! - [`preview`]: the dry run
//! - [`worker`]: runs on a schedule
//! - [`run`]: one run of a table, in batches that commit, for the procedure and the worker
//! - [`engine`]: finds and removes the rows: raw (heap pass, index pass), SQL, or a rewrite of the table
//! - [`progress`]: what others see of a run
//! - [`table`]: what the rule means for a table: its columns, its leaves, the caller's rights, the engine for each
//! - [`settings`]: the configuration parameters
//! - [`pg`]: PostgreSQL's C interface, made safe; the only module with unsafe code that is more than one line
//! - [`words`]: numbers in shared memory that belong together
//! - [`refusal`]: the error that all of them return when a call must not delete anything
//!
//! The crate [`logic`] is below them all: which rows are expired and when a table is due, as arithmetic and data without
//! PostgreSQL.

// A number that does not fit its new type has to be thought of: try_from, `logic::number`, `pg::c`, or a reason.
#![warn(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

#[cfg(not(panic = "unwind"))]
compile_error!("an ERROR of PostgreSQL's crosses Rust frames as a panic: panic must be \"unwind\"");

mod engine;
mod find;
mod pg;
mod preview;
mod progress;
mod refusal;
mod run;
mod settings;
mod sql;
mod table;
mod words;
mod worker;

use pgrx::prelude::*;

::pgrx::pg_module_magic!();

/// What the server's processes share.
static SHARED: &[&dyn pg::Segment] = &[&progress::SHOWN, &worker::board::BOARD];

/// Runs when a process loads the library: at server start if preloaded, else at the first call in a session.
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    settings::define();
    if pg::is_preloading() {
        pg::begin_steady_time();
        pg::request_shared_memory(SHARED);
        worker::register();
    }
}
