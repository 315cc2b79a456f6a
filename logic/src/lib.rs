//! What decides which rows are expired, and when a table is cleared: arithmetic and data, without PostgreSQL.
//!
//! Nothing here reads a clock, a file or a database: what a function needs, its caller passes. So all of it is tested with
//! plain `cargo test -p logic`.
//!
//! - Which rows: what a column holds ([`kind`]), what a number in it counts ([`mod@unit`]), what a wall clock says ([`zone`]),
//!   where the cut-off falls in the column's own terms ([`cutoff`])
//! - Whose table: what the name of a column says ([`meaning`]), and that of a table ([`table_name`]), what says in either that
//!   something stays ([`keeping`]); the frameworks'
//!   tables ([`framework`]) and how one is recognized ([`recognize`])
//! - When: what a schedule's text means ([`schedule`]), the next start ([`due`]), the delay after failures ([`backoff`]),
//!   a clock that was set ahead ([`clock_step`]), turns that ended a worker ([`lost_turns`]), who makes place for those that
//!   wait ([`turns`]); how fast a run goes ([`pace`]), how much other servers are asked for at a time ([`portion`]), and
//!   how much of it is done ([`measure`])
//! - The lists of names in two of the settings ([`names`]), and numbers of one type in another ([`number`])

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
// A number that does not fit its new type has to be thought of: try_from, the module `number`, or a reason.
#![warn(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

pub mod backoff;
pub mod clock_step;
pub mod cutoff;
pub mod due;
pub mod framework;
pub mod keeping;
pub mod kind;
pub mod lost_turns;
pub mod meaning;
pub mod measure;
pub mod names;
pub mod number;
pub mod pace;
pub mod portion;
pub mod recognize;
pub mod schedule;
pub mod table_name;
pub mod turns;
pub mod unit;
pub mod zone;
