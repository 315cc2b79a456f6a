//! Runs in the middle of which their worker's process has ended: by an error of their table's owner's code that nothing can
//! catch, or because a statement did not let itself be canceled. They count as failed, so that the table is tried again later
//! and no other one waits for it.
//!
//! The process that ends can write no table any more. It leaves the run in shared memory, where the next worker of the
//! database, which is started at once, finds it; where two come at the same time, one of them records it. Of a run that is not
//! here (the server has crashed, or an administrator has terminated the worker) nothing but its open row in the history is
//! left, and it stays due.

use super::board::board;
use super::database::begin_in;
use super::failures::ERROR_WORDS;
use super::history;
use super::policy::LOOK_AGAIN;
use super::stop_request::Reason;
use super::vacuuming::full_name;
use crate::pg;
use crate::refusal::Refusal;
use crate::settings::MOST_WORKERS;
use crate::words::{Words, to_text};
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};

/// What ended a process.
#[derive(Clone, Copy)]
pub struct Cause {
    /// Why a statement of it was canceled, which did not end.
    canceled: Option<Reason>,
    /// Of the error; 0: it is not known.
    sqlstate: i32,
    message: [u64; ERROR_WORDS],
}

/// The run that a worker is at.
#[derive(Clone, Copy)]
pub struct UnderWay {
    pub table: u32,
    /// When it began.
    pub started: i64,
    pub pid: i32,
    /// Rows deleted and skipped, and transactions, as far as they are committed.
    pub committed: [u64; 3],
}

/// In shared memory: all zero, there are none.
pub struct LostRuns([Slot; MOST_WORKERS as usize]);

/// One run.
struct Slot {
    taken: AtomicBool,
    /// 0: it is not there yet, or no longer.
    database: AtomicU32,
    table: AtomicU32,
    started: AtomicI64,
    pid: AtomicI32,
    committed: [AtomicU64; 3],
    /// Why it was canceled; 0: it was not.
    canceled: AtomicU32,
    sqlstate: AtomicI32,
    message: Words<ERROR_WORDS>,
    /// When a worker last tried to record it.
    tried: AtomicI64,
}

impl LostRuns {
    fn of(&self, database: u32) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter(move |slot| slot.is_of(database))
    }

    /// Leaves a run for the next worker. False where there is no place. One of a table of which another is there already, which
    /// nobody has been able to put into the history, is not left beside that. Writes memory that is there, and nothing else: the
    /// process is about to end.
    pub fn add(&self, database: u32, run: UnderWay, cause: Cause) -> bool {
        let is_there = |slot: &Slot| slot.table.load(Ordering::Acquire) == run.table;
        if self.of(database).any(is_there) {
            return true;
        }
        let take = |slot: &&Slot| !slot.taken.swap(true, Ordering::AcqRel);
        let Some(slot) = self.0.iter().find(take) else {
            return false;
        };
        let canceled = cause.canceled.map_or(0, Reason::number);
        slot.table.store(run.table, Ordering::Release);
        slot.started.store(run.started, Ordering::Release);
        slot.pid.store(run.pid, Ordering::Release);
        for (place, count) in slot.committed.iter().zip(run.committed) {
            place.store(count, Ordering::Release);
        }
        slot.canceled.store(canceled, Ordering::Release);
        slot.sqlstate.store(cause.sqlstate, Ordering::Release);
        slot.message.write(cause.message);
        slot.tried.store(0, Ordering::Release);
        slot.database.store(database, Ordering::Release);
        true
    }

    /// The processes that have left runs of a database.
    pub fn processes(&self, database: pg_sys::Oid) -> Vec<i32> {
        let slots = self.of(database.into());
        slots.map(|slot| slot.pid.load(Ordering::Acquire)).collect()
    }

    /// The tables that these are runs of: before they are in the history, nothing says that the tables are to be left alone.
    pub fn tables(&self, database: pg_sys::Oid) -> Vec<pg_sys::Oid> {
        let slots = self.of(database.into());
        slots.map(|slot| slot.run().table.into()).collect()
    }

    /// Keeps the runs of these databases only.
    pub fn retain(&self, which: impl Fn(pg_sys::Oid) -> bool) {
        for slot in &self.0 {
            let database = slot.database.load(Ordering::Acquire);
            if database != 0 && !which(database.into()) {
                slot.free();
            }
        }
    }
}

/// The counts of a run in shared memory.
pub fn counts(places: &[AtomicU64; 3]) -> [u64; 3] {
    places.each_ref().map(|place| place.load(Ordering::Acquire))
}

impl Slot {
    fn is_of(&self, database: u32) -> bool {
        self.database.load(Ordering::Acquire) == database
    }

    fn free(&self) {
        self.database.store(0, Ordering::Release);
        self.taken.store(false, Ordering::Release);
    }

    /// Whether it is to be tried to record it: an error each time is in the log often enough so.
    fn is_to_be_tried(&self) -> bool {
        let (now, tried) = (pg::now(), self.tried.load(Ordering::Acquire));
        let is_time = now.abs_diff(tried) >= number::count(number::microseconds(LOOK_AGAIN));
        if is_time {
            self.tried.store(now, Ordering::Release);
        }
        is_time
    }

    fn run(&self) -> UnderWay {
        UnderWay {
            table: self.table.load(Ordering::Acquire),
            started: self.started.load(Ordering::Acquire),
            pid: self.pid.load(Ordering::Acquire),
            committed: counts(&self.committed),
        }
    }

    /// The error with which the run has failed.
    fn error(&self) -> Refusal {
        if let Some(reason) = Reason::from_number(self.canceled.load(Ordering::Acquire)) {
            return canceled_in_vain(reason);
        }
        let detail = "The worker's process ended with it, while it was at this table.";
        match self.sqlstate.load(Ordering::Acquire) {
            0 => Refusal::new(
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                "the worker's process ended while it was at this table",
            ),
            sqlstate => {
                let message = to_text(self.message.read());
                Refusal::new(PgSqlErrorCode::from(sqlstate as isize), message).detail(detail)
            }
        }
        .hint("Look at the policy's filter and expression, and at the table's triggers; the server's log has the whole error.")
    }
}

fn canceled_in_vain(reason: Reason) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        "the worker's process was ended because a statement did not let itself be canceled",
    )
    .detail(format!("It was canceled because {}.", reason.in_words()))
    .hint("Look in the policy's filter and expression, and in the table's triggers, for code that catches query_canceled.")
}

/// Puts the runs that workers of this database have left into the history. Outside of transactions.
pub fn record(schema: &str) {
    let database = pg::my_database().into();
    for slot in board()
        .iter()
        .flat_map(|board| board.lost_runs.of(database))
        .filter(|slot| slot.is_to_be_tried())
    {
        record_one(schema, database, slot);
    }
}

fn record_one(schema: &str, database: u32, slot: &Slot) {
    // No table of that oid is cleared: the lock says who records.
    let is_mine = begin_in(schema)
        && history::table(schema).is_some_and(pg::try_guard_in_transaction)
        && slot.is_of(database);
    let (run, error) = (slot.run(), slot.error());
    if is_mine {
        history::fail(schema, run, &error);
        // Before somebody else gets the lock.
        slot.free();
    }
    pg::commit();
    if is_mine {
        let name = full_name(run.table.into());
        pg::log_error(&error, &format!("automatic clearing of table \"{name}\""));
    }
}

/// The SQLSTATE of the error that ends this process; 0: there is none, or it is not known.
static SQLSTATE: AtomicI32 = AtomicI32::new(0);
/// Whether that is what SIGTERM means.
static TERMINATED: AtomicBool = AtomicBool::new(false);

/// This process ends with an error; whether it is the first, after which others may follow.
pub fn note_fatal(fatal: &pg::Fatal<'_>) -> bool {
    let sqlstate = fatal.sqlstate as i32;
    let first = SQLSTATE.compare_exchange(0, sqlstate, Ordering::AcqRel, Ordering::Acquire);
    if first.is_ok() {
        TERMINATED.store(fatal.is_termination, Ordering::Release);
    }
    first.is_ok()
}

/// Whether this process ends because somebody has terminated it.
pub fn is_terminated() -> bool {
    TERMINATED.load(Ordering::Acquire) && !pg::canceled_in_vain()
}

/// What this process ends with; `text`: what the error says.
pub fn cause(canceled: Option<Reason>, text: [u64; ERROR_WORDS]) -> Cause {
    Cause {
        canceled: canceled.filter(|_| pg::canceled_in_vain()),
        sqlstate: SQLSTATE.load(Ordering::Acquire),
        message: text,
    }
}
