//! raw_clear_sessions: clears expired web sessions inside PostgreSQL.
//!
//! The modules, in the order in which a call goes through them:
//!
//! - [`sql`]: the entry points, every SQL function; [`settings`]: the configuration parameters
//! - the crate [`logic`]: which rows are expired and when a table is due, as arithmetic and data without PostgreSQL
//! - [`table`]: what the rule means for a table: its columns, its leaves, the caller's rights, the engine for each
//! - [`run`]: one run of a table, in batches that commit, for the procedure and the worker; [`worker`]: runs on a
//!   schedule; [`progress`] and [`shared`]: what others see of them
//! - [`engine`]: finds and removes the rows: raw (heap pass, index pass), SQL, or a rewrite of the table
//! - [`preview`]: the dry run; [`find`]: the session tables of a database
//! - [`pg`]: PostgreSQL's C interface, made safe; the only module with unsafe code that is more than one line
//!
//! [`refusal`] is the error that all of them return when a call must not delete anything.

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
mod shared;
mod sql;
mod table;
mod worker;

use pgrx::prelude::*;

::pgrx::pg_module_magic!();

/// Runs when a process loads the library: at server start if preloaded, else at the first call in a session.
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    settings::define();
    if pg::is_preloading() {
        pg::request_shared_memory();
        pg::register_launcher();
    }
}
