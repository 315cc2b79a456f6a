//! The tables raw_clear_sessions.history, one row for a run that has something to tell, and raw_clear_sessions.state, what
//! all runs of a table come to.

mod details;
mod record;
mod states;
mod upkeep;

pub use details::{Details, policy_json};
pub use record::{NOTE_EVERY, Record, Result, fail};
pub use states::{count_failure, flush};
pub use upkeep::{close_interrupted, pull_back, remove_old};

use crate::pg::{self, Argument};
use crate::refusal::Refusal;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// The table.
pub fn table(schema: &str) -> Option<pg_sys::Oid> {
    pg::query_one(
        "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
        &[Argument::text(&format!("{schema}.history"))],
    )
}

/// Somebody has had a trigger or a rule of his own made for one of our tables.
fn not_written(schema: &str, table: &str) -> ! {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
        format!("a trigger or a rule has kept a row from table {schema}.{table}"),
    )
    .detail("What has become of a run could not be written down.")
    .hint(format!(
        "Drop the triggers and rules of table {schema}.{table}: the extension has none that would do that."
    ))
    .raise()
}
