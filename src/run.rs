//! One run: a table is cleared in batches that commit, within budgets, at a pace, and with a reason when it stops.
//!
//! The procedure and the worker are its hosts: each commits in its own way. The clock is read once, so that the
//! cut-off is the same for all batches; what the rule is, what the table is, who may clear it and by which engine is looked
//! at anew in each transaction, because anything may have changed in between.

mod batches;
mod left_out;
mod procedure;
mod replicas;
mod slice;

pub use batches::{WrittenDown, before, go_on, run};
pub use procedure::{Journal, in_procedure, limits};
pub use slice::clear_slice;

pub use crate::settings::Limits;

use crate::refusal::Refusal;
use crate::table::{RowSecurity, Rule};
use pgrx::pg_sys;
use std::time::Duration;

/// Why a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Every row that had expired at the cut-off, and that nobody else was changing, is deleted.
    Done,
    /// The same of the rows that row-level security shows to who acts; it may hide others.
    Hidden,
    /// `max_rows` have been deleted.
    MaxRows,
    /// `max_duration` has passed.
    MaxDuration,
    /// The setting `raw_clear_sessions.paused` has been turned on.
    Paused,
    /// The table is no longer to be cleared: its policy or setting has gone.
    Unscheduled,
    /// The table's owner has had it end.
    Canceled,
    /// It is put aside, and goes on when others have had their turn.
    Turn,
}

impl Stop {
    /// How a run ends when nothing is left to do; `row_security`: what applies to who acts.
    pub fn at_the_end(row_security: Option<&RowSecurity>) -> Stop {
        match row_security {
            Some(row_security) if row_security.hides => Stop::Hidden,
            _ => Stop::Done,
        }
    }

    /// Whether nothing was left to do, as far as could be seen.
    pub fn is_at_the_end(self) -> bool {
        matches!(self, Stop::Done | Stop::Hidden)
    }

    /// As the history and the views show it.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Done => "done",
            Stop::Hidden => "hidden",
            Stop::MaxRows => "max_rows",
            Stop::MaxDuration => "max_duration",
            Stop::Paused => "paused",
            Stop::Unscheduled => "unscheduled",
            Stop::Canceled => "canceled",
            Stop::Turn => "turn",
        }
    }
}

/// What a run has done.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub deleted: u64,
    /// Expired rows left alone because another transaction was changing them.
    pub skipped: u64,
    /// Transactions that deleted rows.
    pub batches: u64,
    pub stop: Stop,
}

/// Who runs it: how transactions end and begin, and when to stop.
pub trait Host {
    /// What the run may take, now.
    fn limits(&mut self) -> Limits;

    /// What is expired, as it stood when the transaction began.
    fn rule(&mut self) -> Rule;

    /// Whether what holds now, when the table is locked, is no longer what the host has said in this transaction: then nothing
    /// is deleted before the next one.
    fn is_outdated(&mut self) -> bool {
        false
    }

    /// Why the run should end after this batch, if it should.
    fn wants_stop(&mut self) -> Option<Stop>;

    /// So many rows of a relation have been deleted: of a leaf, whichever way it was named.
    fn note_deleted(&mut self, _relation: pg_sys::Oid, _rows: u64) -> Result<(), Refusal> {
        Ok(())
    }

    /// Commits the transaction, sleeps, and begins the next. `durable`: the commit, and with it every one before, has
    /// reached the disk when it returns; otherwise a crash may undo the last batches, which are then done again.
    ///
    /// ERROR on a cancel or a shutdown, also during the sleep.
    fn next_transaction(&mut self, durable: bool, sleep: Duration);

    /// Aborts the transaction, in which nothing has been deleted that counts, and begins the next.
    fn roll_back(&mut self);
}
