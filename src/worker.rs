//! The worker: clears tables on a schedule, without being asked.
//!
//! - [`entry`]: where its processes begin
//! - [`launcher`]: one process that keeps the time, and starts a process for each database that is due
//! - [`database`]: such a process; [`clearing`]: its runs, one after the other; [`host`]: their transactions;
//!   [`rewriting`]: those that rewrite instead; [`left`]: what they leave behind; [`repacking`], [`vacuuming`]: what is done
//!   about it
//! - [`waiting`]: the databases that wait for such a process, also over a restart
//! - [`turns`]: how the tables of a database take turns; [`aside`]: how their runs go on when other databases had theirs
//! - [`upkeep`]: what is done once for a database, and not for each table
//! - [`stop_request`]: how a run is ended from outside, also in the middle of a statement; [`lost_runs`]: what becomes of one
//!   whose process has ended with it
//! - [`own_settings`]: what such a process sets for itself; [`limits`]: what its runs may take
//! - [`board`]: what the launcher, the database workers and the sessions tell each other, in shared memory; [`failures`]: in
//!   which databases they fail
//! - [`policy`], [`scheduling`], [`history`], [`calls`]: the extension's tables; [`replaced`]: policies of tables that Citus
//!   replaces; [`meant`]: what becomes of what is remembered of them;
//!   [`recovery`]: what the server was recovered to
//! - [`clock`]: the time zones of a schedule; [`clock_step`]: whether the clock can be gone by

mod aside;
pub mod board;
pub mod calls;
pub mod clearing;
mod clock;
mod clock_step;
pub mod database;
mod entry;
mod failures;
pub mod history;
pub mod host;
pub mod launcher;
pub mod left;
pub mod limits;
mod lost_runs;
mod meant;
pub mod own_settings;
pub mod policy;
pub mod recovery;
pub mod repacking;
mod replaced;
pub mod rewriting;
pub mod scheduling;
pub mod state;
pub mod stop_request;
pub mod turns;
mod upkeep;
pub mod vacuuming;
mod waiting;

use crate::pg;

/// Registers the launcher. Only while preloading.
pub fn register() {
    pg::register_launcher(entry::LAUNCHER);
}
