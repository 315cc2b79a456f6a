//! The record of one run, while it is under way and at its end.

use super::super::lost_runs::UnderWay;
use super::super::policy;
use super::super::repacking::Repacking;
use super::super::stop_request;
use super::details::{Details, policy_json};
use super::not_written;
use super::states::{self, Ended};
use crate::pg::{self, Argument};
use crate::progress;
use crate::refusal::Refusal;
use crate::run::{Outcome, Stop};
use logic::number;
use pgrx::pg_sys;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How often a run writes how much it has deleted so far.
pub const NOTE_EVERY: Duration = Duration::from_secs(1);

/// How a run ended.
pub enum Result<'a> {
    Ended(Outcome),
    Failed(&'a Refusal),
    /// It had to make way, or the table went away.
    Interrupted(&'static str, Option<&'a Refusal>),
}

/// The record of one run. It has a row in the history once it has something to tell.
pub struct Record {
    table: pg_sys::Oid,
    started: i64,
    pid: i32,
    id: Option<i64>,
    noted: Instant,
    /// What committed transactions have deleted, skipped, and how many of them there were.
    committed: (u64, u64, u64),
}

impl Record {
    pub fn begin(table: pg_sys::Oid) -> Record {
        Record {
            table,
            started: pg::now(),
            pid: pg::my_pid(),
            id: None,
            noted: Instant::now(),
            committed: (0, 0, 0),
        }
    }

    /// The record of a run that was put aside. Where the clock has been set back since, it begins now.
    pub fn go_on(table: pg_sys::Oid, id: i64, started: i64, committed: (u64, u64, u64)) -> Record {
        Record {
            started: started.min(pg::now()),
            id: Some(id),
            committed,
            ..Record::begin(table)
        }
    }

    /// Writes down what it takes to go on with the run.
    pub fn put_aside(&mut self, schema: &str, aside: &str) {
        self.write(
            schema,
            "aside = $2::pg_catalog.jsonb",
            &[Argument::text(aside)],
        );
    }

    /// When the run began.
    pub fn started(&self) -> i64 {
        self.started
    }

    /// What has been done so far is committed.
    pub fn note_commit(&mut self) {
        let last = progress::last();
        self.committed = (last.deleted, last.skipped, last.batches);
        stop_request::note_committed(self.committed.into());
    }

    /// Rows deleted and skipped, and transactions, as far as they are committed.
    pub fn committed(&self) -> (u64, u64, u64) {
        self.committed
    }

    /// Writes how much has been deleted so far, in the transaction that deleted it: of a run that is killed, nothing
    /// else is left. Not with each batch, or the row would have as many versions as there are batches.
    /// With `at_once`, though it is not time yet.
    pub fn note(&mut self, schema: &str, at_once: bool) {
        let last = progress::last();
        let is_time = at_once || self.id.is_none() || self.noted.elapsed() >= NOTE_EVERY;
        if last.deleted == 0 || !is_time {
            return;
        }
        self.noted = Instant::now();
        let counts = [last.deleted, last.skipped, last.batches];
        let [deleted, skipped, batches] =
            counts.map(|count| Argument::integer(number::bigint(count)));
        self.write(
            schema,
            "deleted = $2, skipped = $3, batches = $4",
            &[deleted, skipped, batches],
        );
    }

    /// Sets columns of the row, which is made if it is not there: the transaction that made it may have been aborted.
    fn write(&mut self, schema: &str, columns: &str, values: &[Argument]) -> i64 {
        loop {
            let made = self.id.is_none();
            let id = self.row(schema);
            let arguments = [&[Argument::integer(id)], values].concat();
            let written = pg::modify_own(
                &format!(
                    "UPDATE {schema}.history SET {columns} WHERE id OPERATOR(pg_catalog.=) $1"
                ),
                &arguments,
            );
            if written > 0 {
                return id;
            }
            if made {
                not_written(schema, "history");
            }
            self.id = None;
        }
    }

    /// The id of the row, which is made if there is none.
    fn row(&mut self, schema: &str) -> i64 {
        if let Some(id) = self.id {
            return id;
        }
        let rows = pg::query_own(
            &format!(
                "INSERT INTO {schema}.history (\"table\", started, pid) VALUES ($1::pg_catalog.oid, $2, $3) RETURNING id"
            ),
            &[
                Argument::oid(self.table),
                Argument::instant(self.started),
                Argument::integer(self.pid.into()),
            ],
        );
        let id = rows.into_iter().next();
        self.id = id;
        id.unwrap_or_else(|| not_written(schema, "history"))
    }

    /// Ends the record, in a transaction of its own. A run that found nothing is counted with others, by `flush`.
    pub fn end(mut self, schema: &str, result: &Result, details: &Details, repacking: &Repacking) {
        // What batches have deleted before an ERROR stays deleted.
        let until_then = self.committed;
        let (stop, (deleted, skipped, batches), error) = match result {
            Result::Ended(outcome) => (
                outcome.stop.name(),
                (outcome.deleted, outcome.skipped, outcome.batches),
                None,
            ),
            Result::Failed(refusal) if refusal.is_of_left_out_rows() => {
                ("left_out", until_then, Some(*refusal))
            }
            Result::Failed(refusal) => ("failed", until_then, Some(*refusal)),
            Result::Interrupted(stop, refusal) => (*stop, until_then, *refusal),
        };
        let mut ended = Ended {
            table: self.table.into(),
            start: self.started,
            end: pg::now(),
            stop,
            deleted,
            skipped,
            expired_left: details.expired_left,
            cleared: stop == Stop::Done.name(),
            failure: None,
            error: error.map(|refusal| refusal.message().to_owned()),
            sqlstate: error.map(|refusal| pg::sqlstate_text(refusal.sqlstate())),
            repack: repacking.when(),
            repack_error: repacking.error().map(str::to_owned),
        };
        let is_over = [Stop::Done, Stop::Hidden]
            .iter()
            .any(|end| end.name() == stop);
        let has_something_to_tell = !is_over || deleted > 0 || skipped > 0 || self.id.is_some();
        if !has_something_to_tell {
            states::count_later(ended);
            return;
        }
        let row = Row {
            stop,
            deleted,
            skipped,
            batches,
            error: ended.error.as_deref(),
            sqlstate: ended.sqlstate.as_deref(),
            details,
        };
        let json = serde_json::to_string(&row).expect("plain data becomes JSON");
        let columns = format!(
            "ended = pg_catalog.clock_timestamp(), \
             (stop, deleted, skipped, batches, error, sqlstate, details) = \
             (SELECT n.stop, n.deleted, n.skipped, n.batches, n.error, n.sqlstate, n.details \
             FROM pg_catalog.jsonb_populate_record(NULL::{schema}.history, $2::pg_catalog.jsonb) AS n)"
        );
        let id = self.write(schema, &columns, &[Argument::text(&json)]);
        ended.failure = matches!(result, Result::Failed(_)).then_some(id);
        states::count(schema, ended);
    }
}

/// What the columns of a row become at the end of a run.
#[derive(Serialize)]
struct Row<'a> {
    stop: &'static str,
    deleted: u64,
    skipped: u64,
    batches: u64,
    error: Option<&'a str>,
    sqlstate: Option<&'a str>,
    details: &'a Details<'a>,
}

/// Puts down a run that ended its worker as failed. In a transaction.
pub fn fail(schema: &str, run: UnderWay, error: &Refusal) {
    let open = pg::query_own(
        &format!(
            "SELECT h.id FROM {schema}.history h \
             WHERE h.ended IS NULL AND h.caller IS NULL AND h.pid OPERATOR(pg_catalog.=) $1 \
             AND h.\"table\" OPERATOR(pg_catalog.=) $2::pg_catalog.oid"
        ),
        &[
            Argument::integer(run.pid.into()),
            Argument::oid(run.table.into()),
        ],
    );
    let record = Record {
        // The clock may have been set back since.
        started: run.started.min(pg::now()),
        pid: run.pid,
        id: open.into_iter().next(),
        committed: run.committed.into(),
        ..Record::begin(run.table.into())
    };
    let elapsed = pg::now().saturating_sub(record.started);
    let (detail, hint) = error.notes();
    let details = Details {
        policy: policy_json(&policy::find(schema, run.table.into()).unwrap_or_default()),
        elapsed_ms: number::count(elapsed) / 1_000,
        detail,
        hint,
        ..Details::default()
    };
    record.end(
        schema,
        &Result::Failed(error),
        &details,
        &Repacking::NotLooked,
    );
}
