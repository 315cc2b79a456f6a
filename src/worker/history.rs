//! The table raw_clear_sessions.run: one row a run, written in transactions of its own.

use super::policy::Policy;
use crate::pg::{self, Argument, Usage};
use crate::progress;
use crate::refusal::Refusal;
use crate::run::Outcome;
use crate::settings;
use pgrx::pg_sys;
use serde::Serialize;

/// Rows of the history that one transaction removes.
const BATCH: usize = 1_000;

/// What a run leaves in the column `details`.
#[derive(Serialize)]
pub struct Details<'a> {
    /// What the policy said, without what it left open.
    pub policy: serde_json::Value,
    pub elapsed_ms: u64,
    #[serde(flatten)]
    pub usage: Usage,
    /// How many expired rows are left, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_left: Option<u64>,
    /// Whether the table was rewritten, where that was tried: "done", or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<&'a str>,
    /// Whether the table was vacuumed afterwards.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vacuumed: bool,
    /// Of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
}

/// The policy as JSON, without nulls.
pub fn policy_json(policy: &Policy) -> serde_json::Value {
    let mut json = serde_json::to_value(policy).expect("plain data becomes JSON");
    if let Some(object) = json.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    json
}

/// What the columns of a row become at the end of a run.
#[derive(Serialize)]
struct Row<'a> {
    stop: &'static str,
    deleted: u64,
    skipped: u64,
    batches: u64,
    error: Option<&'a str>,
    sqlstate: Option<String>,
    details: &'a Details<'a>,
}

/// How a run ended.
pub enum Result<'a> {
    Ended(Outcome),
    Failed(&'a Refusal),
    /// It had to make way, or the table went away.
    Interrupted(&'static str, Option<&'a Refusal>),
}

/// The table.
pub fn table(schema: &str) -> Option<pg_sys::Oid> {
    let oid = pg::query(
        "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
        &[Argument::text(&format!("{schema}.run"))],
    );
    let oid: u32 = oid.into_iter().flatten().flatten().next()?.parse().ok()?;
    Some(oid.into())
}

/// Opens a row for a run that begins, and returns its id.
pub fn begin(schema: &str, table: pg_sys::Oid) -> i64 {
    pg::query_own(
        &format!(
            "INSERT INTO {schema}.run (\"table\", started, pid) \
             VALUES ($1::pg_catalog.oid, pg_catalog.clock_timestamp(), $2) RETURNING id"
        ),
        &[
            Argument::integer(u32::from(table).into()),
            Argument::integer(pg::my_pid().into()),
        ],
    )
    .into_iter()
    .flatten()
    .flatten()
    .next()
    .and_then(|id| id.parse().ok())
    .unwrap_or_default()
}

/// Closes the row.
pub fn end(schema: &str, id: i64, result: &Result, details: &Details) {
    // What batches have deleted before an ERROR stays deleted.
    let last = progress::last();
    let until_then = (last.deleted, last.skipped, last.batches);
    let (stop, (deleted, skipped, batches), error) = match result {
        Result::Ended(outcome) => (
            outcome.stop.name(),
            (outcome.deleted, outcome.skipped, outcome.batches),
            None,
        ),
        Result::Failed(refusal) => ("failed", until_then, Some(*refusal)),
        Result::Interrupted(stop, refusal) => (*stop, until_then, *refusal),
    };
    let row = Row {
        stop,
        deleted,
        skipped,
        batches,
        error: error.map(Refusal::message),
        sqlstate: error.map(|refusal| pg::sqlstate_text(refusal.sqlstate())),
        details,
    };
    let json = serde_json::to_string(&row).expect("plain data becomes JSON");
    pg::modify_own(
        &format!(
            "UPDATE {schema}.run AS r SET ended = pg_catalog.clock_timestamp(), \
             stop = n.stop, deleted = n.deleted, skipped = n.skipped, batches = n.batches, \
             error = n.error, sqlstate = n.sqlstate, details = n.details \
             FROM pg_catalog.jsonb_populate_record(NULL::{schema}.run, $2::pg_catalog.jsonb) AS n \
             WHERE r.id OPERATOR(pg_catalog.=) $1"
        ),
        &[Argument::integer(id), Argument::text(&json)],
    );
}

/// Closes the rows that nobody will close: of runs that a crash, a shutdown or a termination ended. Only one worker is
/// in a database at a time.
pub fn close_interrupted(schema: &str) {
    pg::modify_own(
        &format!(
            "UPDATE {schema}.run SET ended = pg_catalog.clock_timestamp(), stop = 'interrupted' \
             WHERE ended IS NULL"
        ),
        &[],
    );
}

/// Removes some rows that are older than the setting `history`; whether there may be more. A table's last run and last
/// success stay as long as the table, because the status and the schedule go by them, and so does the last run that has
/// come to its end.
pub fn remove_old(schema: &str) -> bool {
    let removed = pg::modify_own(
        &format!(
            "DELETE FROM {schema}.run WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY( \
             SELECT r.id FROM {schema}.run r \
             WHERE r.started OPERATOR(pg_catalog.<) \
             (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $1::pg_catalog.float8)) \
             AND r.ended IS NOT NULL \
             AND (pg_catalog.pg_table_is_visible(r.\"table\"::pg_catalog.oid) IS NULL \
             OR EXISTS (SELECT FROM {schema}.run l \
             WHERE l.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) r.\"table\"::pg_catalog.oid \
             AND l.id OPERATOR(pg_catalog.>) r.id AND (l.stop OPERATOR(pg_catalog.=) 'done' \
             OR r.stop OPERATOR(pg_catalog.<>) 'done' \
             AND l.stop OPERATOR(pg_catalog.<>) ALL (ARRAY['failed', 'interrupted'])))) \
             ORDER BY r.started LIMIT {BATCH}))"
        ),
        &[Argument::integer(settings::history().as_secs() as i64)],
    );
    removed as usize == BATCH
}
