//! The worker as the host of a run: its transactions, as whom it acts in them, and why it stops.

use super::board::{self, Board, board};
use super::clock_step;
use super::database::lock_own;
use super::history::{self, Record};
use super::limits;
use super::policy::{self, Policy};
use super::state;
use super::stop_request::{self, Reason};
use super::turns::Look;
use crate::pg::{self, ActingAs, RowVersion};
use crate::refusal::{Refusal, enough};
use crate::run::{self, Limits, Stop};
use crate::settings;
use crate::table::Rule;
use logic::turns::TURN;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::ffi::CString;
use std::time::{Duration, Instant};

/// During a sleep, how often to look whether a session wants the database for itself.
const LOOK: Duration = Duration::from_millis(500);

/// The host of the run of one table.
pub struct Host<'a> {
    schema: &'a str,
    table: pg_sys::Oid,
    policy: Policy,
    /// Since when the run's time counts.
    started: Instant,
    /// Since when it has had its turn, and after how long it is looked next whether that is over.
    turn: (Instant, Duration),
    stop: Option<Stop>,
    acting: Option<ActingAs>,
    /// What the policies were when `policy` was read; `None`: it is to be read.
    changes: Option<u64>,
    reloaded: bool,
    /// The version of the policy's row that was there before `policy` was read.
    version: Option<RowVersion>,
    /// The extension's table of runs, as long as the extension is installed.
    runs: Option<pg_sys::Oid>,
    /// The run has to end because a session wants the database for itself.
    pub yields: bool,
    /// What the history gets to know.
    pub record: Record,
    /// The relations that rows were deleted from, and how many.
    deleted_from: Vec<(pg_sys::Oid, u64)>,
}

/// Sets what the worker's transactions go by; again after a reload.
pub fn apply_settings() {
    let limits = limits::of_worker();
    let number = |number: String| CString::new(number).unwrap_or_default();
    pg::set_for_session(
        c"lock_timeout",
        &number(limits.lock_timeout.as_millis().to_string()),
    );
    // VACUUM goes at the same pace.
    let delay = limits.cost_delay.as_secs_f64() * 1_000.0;
    pg::set_for_session(c"vacuum_cost_delay", &number(delay.to_string()));
    if limits.cost_limit > 0 {
        pg::set_for_session(c"vacuum_cost_limit", &number(limits.cost_limit.to_string()));
    }
    let compression = settings::wal_compression()
        .unwrap_or_else(|| number(pg::server_setting(c"wal_compression")));
    pg::set_for_session(c"wal_compression", &compression);
}

/// Commits so that this transaction, and every one before it, has reached the local disk. A synchronous standby is not
/// waited for: one that is gone would hold the worker without end, where nobody could stop it.
pub fn commit_durably() {
    pg::set_for_session(c"synchronous_commit", c"local");
    pg::commit();
    pg::set_for_session(c"synchronous_commit", c"off");
}

fn changes() -> Option<u64> {
    board().map(Board::changes)
}

impl<'a> Host<'a> {
    pub fn new(schema: &'a str, table: pg_sys::Oid, policy: Policy) -> Self {
        Host {
            schema,
            table,
            policy,
            started: Instant::now(),
            turn: (Instant::now(), TURN),
            stop: None,
            acting: None,
            changes: None,
            version: None,
            reloaded: false,
            runs: None,
            yields: false,
            record: Record::begin(table),
            deleted_from: Vec::new(),
        }
    }

    /// Goes on with the run, which has taken so long until it was put aside, by this policy.
    pub fn resume(&mut self, policy: Policy, elapsed: Duration) {
        self.policy = policy;
        self.changes = None;
        self.version = None;
        self.started = run::before(elapsed);
        self.turn = (Instant::now(), TURN);
        self.stop = None;
    }

    /// Whether the run has had its turn, because another database waits, or another table of this one is due. How often the
    /// latter is looked up follows what it costs, which rises with the number of tables.
    fn turn_is_over(&mut self) -> bool {
        let (began, next_look) = self.turn;
        if board::turn_is_over() && began.elapsed() >= TURN {
            return true;
        }
        if began.elapsed() < next_look {
            return false;
        }
        let look = Instant::now();
        let known = Look::begin();
        let all = policy::due(self.schema);
        let others = all.iter().filter(|due| due.table != self.table);
        let next = others.map(|due| due.next_start).min().unwrap_or(i64::MAX);
        stop_request::note_others(next, known);
        self.turn.1 = began.elapsed() + TURN.max(20 * look.elapsed());
        next <= pg::now()
    }

    /// Begins the first transaction.
    pub fn begin(&mut self) {
        pg::begin();
        self.runs = history::table(self.schema);
        self.enter();
    }

    /// In a transaction that has just begun: sees what it may do, and acts as the table's owner.
    ///
    /// Before it locks the table it has locked what of the extension it reads and writes: it waits for nothing of that with
    /// the table in hand.
    fn enter(&mut self) {
        lock_own();
        stop_request::begin_statement(self.time_left());
        self.look_around();
        self.act();
    }

    /// Whether the extension is the one that the run began with, which has its row. In a transaction.
    pub fn extension_is_the_same(&self) -> bool {
        self.runs.is_none_or(|runs| pg::owner(runs).is_some())
    }

    /// What is left of the time that the run may take; `None`: it may take any.
    pub fn time_left(&self) -> Option<Duration> {
        let limit = self.policy.limits().max_duration?;
        Some(limit.saturating_sub(self.started.elapsed()))
    }

    /// Ends one.
    pub fn end(&mut self) {
        if let Some(acting) = self.acting.take() {
            acting.end();
            if self.runs.and_then(pg::owner).is_some() {
                self.record.note(self.schema, self.stop == Some(Stop::Turn));
            }
        }
        pg::commit();
        stop_request::end_statement();
        self.record.note_commit();
    }

    /// The relations that rows were deleted from.
    pub fn relations_deleted_from(&self) -> Vec<pg_sys::Oid> {
        self.deleted_from.iter().map(|(oid, _)| *oid).collect()
    }

    /// The relations that rows were deleted from, and how many.
    pub fn take_deleted_from(&mut self) -> Vec<(pg_sys::Oid, u64)> {
        std::mem::take(&mut self.deleted_from)
    }

    /// The relations that the run has deleted rows from before it was taken up, and how many.
    pub fn deleted_from(&mut self, relations: Vec<(pg_sys::Oid, u64)>) {
        self.deleted_from = relations;
    }

    /// What the table is cleared by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Refuses (55006) where the table's policy is no longer this one. Under the table's lock.
    pub fn check_up_to_date(&mut self, policy: &Policy) -> Result<(), Refusal> {
        let is_unchanged = self.version.is_some()
            && pg::policy_version(self.table) == self.version
            && !pg::has_subscribed_tables();
        if !is_unchanged {
            self.read_policy();
        }
        // What has expired the run may have found out since.
        self.check_clock()?;
        if self.stop != Some(Stop::Unscheduled) && self.policy == *policy {
            return Ok(());
        }
        Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            "the policy was changed before the table could be rewritten by it",
        ))
    }

    /// Refuses (55000) to go by a clock that was set far ahead. The run stays due.
    fn check_clock(&mut self) -> Result<(), Refusal> {
        let Some(ahead) = clock_step::ahead() else {
            return Ok(());
        };
        self.yields = true;
        let off = state::clock_ahead(&ahead);
        let code = PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
        Err(Refusal::new(code, off.message).hint(off.hint))
    }

    /// The transaction has been aborted, and with it the role that was acted as.
    pub fn forget(&mut self) {
        stop_request::end_statement();
        self.acting = None;
    }

    /// Acts as the table's owner of this moment. ERROR where this process has acted for another one, and has to end.
    fn act(&mut self) {
        // Where the table has gone, the run finds out by itself.
        match ActingAs::owner_of(self.table) {
            Ok(acting) => {
                self.acting = acting;
                if let Some((owner, _)) = pg::first_owner() {
                    stop_request::note_owner(owner);
                }
            }
            Err(refusal) => {
                self.yields = true;
                refusal.raise();
            }
        }
    }

    /// Leaves the database to another session that wants it for itself; says so as an error.
    pub fn make_way(&mut self) -> Refusal {
        self.yields = true;
        Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            "the database is wanted by another session",
        )
    }

    /// Reads what the table is to be cleared by now.
    fn read_policy(&mut self) {
        self.changes = changes();
        self.version = pg::policy_version(self.table);
        match policy::current(self.table) {
            Some(policy) => self.policy = policy,
            None => self.stop = Some(Stop::Unscheduled),
        }
    }

    /// Sees what has changed since the last transaction. ERROR where the database is wanted, or the clock was set far ahead.
    fn look_around(&mut self) {
        if pg::database_is_wanted() {
            self.make_way().raise();
        }
        if let Err(refusal) = self.check_clock() {
            refusal.raise();
        }
        if self.runs.and_then(pg::owner).is_none() {
            // The extension is dropped, and its view, which says what is to be cleared, with it.
            self.stop = Some(Stop::Unscheduled);
        } else if self.reloaded && !state::is_listed() {
            self.stop = Some(Stop::Unscheduled);
        } else if self.changes.is_none() || changes() != self.changes || self.reloaded {
            // Sooner than under the table's lock, where what was read before does not count.
            self.reloaded = false;
            self.read_policy();
        }
        if state::is_paused() {
            self.stop = Some(Stop::Paused);
        }
        if let Some(stop) = stop_request::requested().and_then(Reason::stop) {
            self.stop = Some(stop);
        }
        if self.stop.is_none() && self.turn_is_over() {
            self.stop = Some(Stop::Turn);
        }
    }

    fn reload(&mut self) -> bool {
        let reloaded = pg::reload_if_asked();
        if reloaded {
            apply_settings();
            self.reloaded = true;
        }
        reloaded
    }

    /// Sleeps between two transactions. A reload ends it early: the run asks anew how long to sleep.
    fn sleep(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            if self.reload() || stop_request::requested().is_some() {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            pg::wait(Some(left.min(LOOK)));
            if left > LOOK {
                pg::begin();
                let wanted = pg::database_is_wanted();
                pg::commit();
                if wanted {
                    return;
                }
            }
        }
    }
}

impl run::Host for Host<'_> {
    fn limits(&mut self) -> Limits {
        self.policy.limits()
    }

    fn rule(&mut self) -> Rule {
        self.policy.rule()
    }

    fn is_outdated(&mut self) -> bool {
        let policy = self.policy.clone();
        self.check_up_to_date(&policy).is_err()
    }

    fn wants_stop(&mut self) -> Option<Stop> {
        self.stop
    }

    fn note_deleted(&mut self, relation: pg_sys::Oid, rows: u64) -> Result<(), Refusal> {
        // Leaves are cleared one after the other.
        match self
            .deleted_from
            .iter_mut()
            .rev()
            .find(|(oid, _)| *oid == relation)
        {
            Some((_, deleted)) => *deleted += rows,
            None => {
                enough(self.deleted_from.try_reserve(1))?;
                self.deleted_from.push((relation, rows));
            }
        }
        Ok(())
    }

    /// Not durable here, but with the row of the history that follows: that commit takes all earlier ones along.
    fn next_transaction(&mut self, _durable: bool, sleep: Duration) {
        self.end();
        self.sleep(sleep);
        pg::begin();
        self.enter();
    }

    fn roll_back(&mut self) {
        self.acting = None;
        pg::roll_back();
        stop_request::end_statement();
        pg::begin();
        self.enter();
    }
}
