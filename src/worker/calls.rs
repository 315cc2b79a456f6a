//! The calls of clients in the table raw_clear_sessions.history: one row for a call that has deleted rows, written in the
//! transactions that delete them, so that it is there if they are gone. Only where the worker works, which removes old rows,
//! and ends those of calls that did not come to end them.

use super::history::NOTE_EVERY;
use super::state;
use crate::pg::{self, Argument};
use crate::progress;
use crate::refusal::Refusal;
use crate::run::{Journal, Outcome, Stop};
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use serde::Serialize;
use std::time::{Duration, Instant};

/// The record of one call.
pub struct Call {
    table: pg_sys::Oid,
    started: i64,
    id: Option<i64>,
    noted: Instant,
    /// What committed transactions have done.
    committed: Counts,
}

/// Rows deleted, rows skipped, and transactions that deleted some.
#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    deleted: u64,
    skipped: u64,
    batches: u64,
}

/// What the columns of its row become.
#[derive(Default, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    counts: Counts,
    /// NULL while it is running.
    stop: Option<&'static str>,
    error: Option<&'a str>,
    sqlstate: Option<String>,
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    locked_ms: u64,
}

/// The columns of [`Row`].
const COLUMNS: &str = "deleted, skipped, batches, stop, error, sqlstate, details";

const ENDED: &str = "CASE WHEN n.stop IS NOT NULL THEN pg_catalog.clock_timestamp() END";

impl Call {
    pub fn begin(table: pg_sys::Oid) -> Call {
        Call {
            table,
            started: pg::now(),
            id: None,
            noted: Instant::now(),
            committed: Counts::default(),
        }
    }

    /// Records a call that has done everything in this transaction. `locked`: how long a rewrite kept everybody from the table.
    pub fn end_in_transaction(
        mut self,
        stop: Stop,
        deleted: u64,
        skipped: u64,
        locked: Option<Duration>,
    ) {
        self.write(&Row {
            counts: Counts {
                deleted,
                skipped,
                batches: 1,
            },
            stop: Some(stop.name()),
            details: locked.map(|locked| Details {
                locked_ms: number::milliseconds(locked),
            }),
            ..Row::default()
        });
    }

    /// Writes the row as the owner of the extension's tables; a transaction that made it may have been aborted.
    fn write(&mut self, row: &Row) {
        // Temporary tables can be cleared in a read-only transaction. A row that is there is written on, whatever the worker
        // has come to meanwhile: it would look as if the call went on.
        let is_kept = || self.id.is_some() || state::why_off().is_none();
        if row.counts.deleted == 0 || pg::is_read_only() || !is_kept() {
            return;
        }
        // Who calls waits for his own table, and not for what is said of it.
        let (schema, owner) = match pg::extension_schema_within(Duration::ZERO) {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(refusal) => {
                self.note_locked(row, &refusal);
                return;
            }
        };
        let json = serde_json::to_string(row).expect("plain data becomes JSON");
        let role = pg::current_role_oid();
        pg::as_owner_of_our_tables(owner, || {
            if !self.update(&schema, &json) {
                self.insert(&schema, &json, role);
            }
        });
    }

    /// Says in the log that a call that has ended has no row, or one that says less.
    fn note_locked(&self, row: &Row, refusal: &Refusal) {
        if row.stop.is_some() {
            let name = pg::full_name(self.table).unwrap_or_default();
            pg::log(
                &format!("the clearing of table {name} by a call could not be recorded"),
                Some(refusal.message()),
                None,
            );
        }
    }

    /// False where there is no row.
    fn update(&self, schema: &str, row: &str) -> bool {
        let Some(id) = self.id else { return false };
        let updated = pg::modify_own(
            &format!(
                "UPDATE {schema}.history SET (ended, {COLUMNS}) = (SELECT {ENDED}, {COLUMNS} \
                 FROM pg_catalog.jsonb_populate_record(NULL::{schema}.history, $2::pg_catalog.jsonb) AS n) \
                 WHERE id OPERATOR(pg_catalog.=) $1"
            ),
            &[Argument::integer(id), Argument::text(row)],
        );
        updated > 0
    }

    fn insert(&mut self, schema: &str, row: &str, role: pg_sys::Oid) {
        let ids = pg::query_own(
            &format!(
                "INSERT INTO {schema}.history (\"table\", started, pid, caller, ended, {COLUMNS}) \
                 SELECT $1::pg_catalog.oid, $2, $3, pg_catalog.pg_get_userbyid($4::pg_catalog.oid), {ENDED}, {COLUMNS} \
                 FROM pg_catalog.jsonb_populate_record(NULL::{schema}.history, $5::pg_catalog.jsonb) AS n RETURNING id"
            ),
            &[
                Argument::oid(self.table),
                Argument::instant(self.started),
                Argument::integer(pg::my_pid().into()),
                Argument::oid(role),
                Argument::text(row),
            ],
        );
        self.id = ids.into_iter().next();
    }
}

/// What this process's clearing has done so far.
fn until_now() -> Counts {
    let last = progress::last();
    Counts {
        deleted: last.deleted,
        skipped: last.skipped,
        batches: last.batches,
    }
}

impl Journal for Call {
    /// Not with each batch, or the row would have as many versions as there are batches.
    fn note(&mut self) {
        if self.id.is_none() || self.noted.elapsed() >= NOTE_EVERY {
            self.noted = Instant::now();
            self.write(&Row {
                counts: until_now(),
                ..Row::default()
            });
        }
    }

    fn note_commit(&mut self) {
        self.committed = until_now();
    }

    fn end(&mut self, outcome: &Outcome) {
        self.write(&Row {
            counts: Counts {
                deleted: outcome.deleted,
                skipped: outcome.skipped,
                batches: outcome.batches,
            },
            stop: Some(outcome.stop.name()),
            ..Row::default()
        });
    }

    fn fail(&mut self, error: &Refusal) {
        let is_canceled =
            error.is_interrupt() && error.sqlstate() == PgSqlErrorCode::ERRCODE_QUERY_CANCELED;
        let stop = match error {
            _ if is_canceled => Stop::Canceled.name(),
            error if error.is_of_left_out_rows() => "left_out",
            _ => "failed",
        };
        // What batches have deleted before an ERROR stays deleted.
        self.write(&Row {
            counts: self.committed,
            stop: Some(stop),
            error: Some(error.message()),
            sqlstate: Some(pg::sqlstate_text(error.sqlstate())),
            ..Row::default()
        });
    }
}
