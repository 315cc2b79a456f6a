//! The run itself.

mod aside;

pub use aside::{WrittenDown, go_on};

use super::left_out::{FailedLeaves, LeftOutRows};
use super::replicas::Replicas;
use super::{Host, Limits, Outcome, Stop};
use crate::engine::shards::Place;
use crate::engine::{Cursor, Slice};
use crate::pg::{self, BatchLimit, LockMode, TableGuard};
use crate::progress::{Tally, Waiting};
use crate::refusal::{Refusal, enough};
use crate::table::{
    Checked, Meant, Memory, Opened, Part, Purpose, Rule, Target, What, guard, open,
};
use logic::pace::{self, Pace};
use pgrx::pg_sys;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many blocks a transaction reads at most (8 MB): also where nothing has expired it should end soon, so that it
/// holds back no vacuum, and so that the pace has something to slow down.
const BLOCKS: u32 = 1024;

/// The sleep that one slice of other sessions may ask for, about.
const PAID_FOR: Duration = Duration::from_millis(200);

/// How often replicas are asked whether they have caught up.
const REPLICAS_AGAIN: Duration = Duration::from_millis(500);

/// Clears a table by the host's rule. Entered and left inside a transaction of the host's.
///
/// Refuses what `raw_clear_sessions()` refuses; batches that were committed before stay so. Rows that cannot be deleted, and
/// leaves that cannot be cleared, are left out, and are an error at the end, when all others are gone.
pub fn run(table: pg_sys::Oid, host: &mut dyn Host) -> Result<Ended, Refusal> {
    run_from(table, host, None)?.or_failure()
}

/// Where a run begins that another one has begun.
pub(super) struct Start {
    /// The clock of that one's beginning.
    pub now: i64,
    pub place: Place,
}

/// What has become of a run.
pub struct Ended {
    pub outcome: Outcome,
    /// What could not be cleared.
    pub failure: Option<Refusal>,
    /// Where it has got to, if there is more to do.
    pub place: Option<Place>,
    /// With which it goes on, where it is put aside.
    pub aside: Option<WrittenDown>,
}

impl Ended {
    /// What could not be cleared is an error.
    fn or_failure(mut self) -> Result<Ended, Refusal> {
        self.failure.take().map_or(Ok(self), Err)
    }
}

/// The same as [`run`], from where another run has got to; what could not be cleared is no error.
pub(super) fn run_from(
    table: pg_sys::Oid,
    host: &mut dyn Host,
    start: Option<Start>,
) -> Result<Ended, Refusal> {
    let limits = host.limits();
    limit_lock_wait(&limits);
    let run = Run::begin(table, &host.rule(), start)?;
    // What the caller has done before, in the same transaction, is as durable as he wants it.
    if pg::has_written() {
        host.next_transaction(false, Duration::ZERO);
    }
    prepare_transaction(&limits);
    Box::new(run).run(host)
}

/// A rule that nothing is remembered of means in each batch what it meant in the first.
fn with_meant(mut rule: Rule, meant: &Meant) -> Rule {
    rule.meant.get_or_insert_with(|| meant.clone());
    rule
}

/// So long ago.
pub fn before(elapsed: Duration) -> Instant {
    let now = Instant::now();
    now.checked_sub(elapsed).unwrap_or(now)
}

/// Tells the host from which relations a batch has deleted; `before`: what was counted of them.
fn note_deleted(
    part: &Part<'_>,
    rows: u64,
    before: Vec<(pg_sys::Oid, u64)>,
    host: &mut dyn Host,
) -> Result<(), Refusal> {
    if let What::Leaf(leaf) = &part.what {
        return host.note_deleted(leaf.relation().oid(), rows);
    }
    for ((relation, after), (_, before)) in part.deleted_from().into_iter().zip(before) {
        if after > before {
            host.note_deleted(relation, after - before)?;
        }
    }
    Ok(())
}

struct Run {
    memory: Memory,
    /// What the rule meant when the run began.
    meant: Meant,
    /// What is left: leaves, or the table itself where it is cleared as a whole, each with how far it has got.
    queue: VecDeque<(pg_sys::Oid, Cursor)>,
    table: pg_sys::Oid,
    started: Instant,
    pace: Pace,
    replicas: Replicas,
    /// What has been done, and where it is at.
    tally: Tally,
    left_out: LeftOutRows,
    failed: FailedLeaves,
    /// What is wrong with shards.
    failed_shards: Option<Refusal>,
    /// Leaves that are done with.
    done: Vec<pg_sys::Oid>,
    guard: Option<TableGuard>,
    /// How it ends when nothing is left to do.
    all_that_is_seen: Stop,
}

impl Run {
    fn begin(table: pg_sys::Oid, rule: &Rule, start: Option<Start>) -> Result<Run, Refusal> {
        let now = start.as_ref().map_or_else(pg::now, |start| start.now);
        let mut checked = Checked::open_at(Some(table), rule, Purpose::Run, now)?;
        let guard = checked.take_guard();
        let meant = Meant::of_run(checked.root(), checked.criterion(), rule);
        let rule = with_meant(rule.clone(), &meant);
        let (memory, todo) = Memory::of(Target::plan(checked, &rule)?, &rule)?;
        let mut run = Run {
            memory,
            meant,
            queue: VecDeque::new(),
            table,
            started: Instant::now(),
            pace: Pace::new(),
            replicas: Replicas::default(),
            tally: Tally::default(),
            left_out: LeftOutRows::default(),
            failed: FailedLeaves::default(),
            failed_shards: None,
            done: Vec::new(),
            guard,
            all_that_is_seen: Stop::Done,
        };
        run.enqueue(todo)?;
        if let Some(start) = start {
            run.go_on_at(start.place)?;
        }
        Ok(run)
    }

    /// Goes on until there is a reason to stop.
    fn run(mut self: Box<Self>, host: &mut dyn Host) -> Result<Ended, Refusal> {
        // A turn has at least one batch; what else ends a run may have come before the first.
        let is_ended = host.wants_stop().is_some_and(|stop| stop != Stop::Turn);
        if !is_ended {
            self.batch(&host.limits(), host)?;
            if self.has_only_begun() {
                host.next_transaction(false, Duration::ZERO);
                let limits = host.limits();
                prepare_transaction(&limits);
                self.batch(&limits, host)?;
            }
        }
        loop {
            if let Some(stop) = self.stop(&host.limits(), host) {
                host.next_transaction(true, Duration::ZERO);
                return Ok(self.end(stop));
            }
            self.sleep(host);
            self.wait_for_replicas(host);
            // The beginning of the transaction has looked at what may end the run.
            if self.stop(&host.limits(), host).is_none() {
                self.batch(&host.limits(), host)?;
            }
        }
    }

    /// The first batch was none yet.
    fn has_only_begun(&self) -> bool {
        let first = self.queue.front();
        first.is_some_and(|(_, cursor)| cursor.has_only_begun())
    }

    /// Leaves out what another run has done.
    fn go_on_at(&mut self, place: Place) -> Result<(), Refusal> {
        enough(self.done.try_reserve(place.done.len()))?;
        self.queue.retain(|(oid, _)| {
            let done = place.is_done(*oid);
            if done {
                self.done.push(*oid);
            }
            !done
        });
        let (oid, bookmark) = match place.at {
            Some((oid, bookmark)) => (pg_sys::Oid::from(oid), bookmark),
            None => return Ok(()),
        };
        // It goes first, as it went before.
        if let Some(index) = self.queue.iter().position(|(queued, _)| *queued == oid) {
            self.queue.remove(index);
            self.queue
                .push_front((oid, Cursor::from_bookmark(bookmark)));
        }
        Ok(())
    }

    /// Where it has got to; `None` where nothing is left to do.
    fn place(&self) -> Option<Place> {
        let (oid, cursor) = self.queue.front()?;
        Some(Place {
            done: self.done.iter().map(|oid| u32::from(*oid)).collect(),
            at: cursor
                .bookmark()
                .map(|bookmark| (u32::from(*oid), bookmark)),
        })
    }

    fn enqueue(&mut self, oids: Vec<pg_sys::Oid>) -> Result<(), Refusal> {
        enough(self.queue.try_reserve(oids.len()))?;
        self.queue
            .extend(oids.into_iter().map(|oid| (oid, Cursor::default())));
        Ok(())
    }

    /// Begins once more, by this rule, with the clock that the run began with.
    fn plan_anew(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let now = self.memory.now();
        let checked = Checked::open_at(Some(self.table), rule, Purpose::Resume, now)?;
        let (memory, todo) = Memory::of(Target::plan(checked, rule)?, rule)?;
        self.memory = memory;
        self.queue.clear();
        // They are read again, also by a process that goes on with the run.
        self.done.clear();
        self.enqueue(todo)
    }

    /// Deletes one batch from the first of what is left.
    fn batch(&mut self, limits: &Limits, host: &mut dyn Host) -> Result<(), Refusal> {
        let Some((oid, mut cursor)) = self.queue.pop_front() else {
            return Ok(());
        };
        let before = pg::buffer_cost();
        let limit = self.limit(limits);
        let slice = self.slice(limits);
        let rule = with_meant(host.rule(), &self.meant);
        let mut outdated = false;
        let opened = self.memory.open(oid, &rule, &mut |_| {
            outdated = host.is_outdated();
            outdated
        })?;
        let (outcome, new) = match opened {
            // All is done only if the table has not got something new in its place.
            Opened::Gone if self.queue.is_empty() => return self.plan_anew(&rule),
            Opened::Gone => {
                self.memory.forget(oid);
                return Ok(());
            }
            // The next transaction goes by the rule that is then the one.
            Opened::Outdated if outdated => {
                self.queue.push_front((oid, cursor));
                return Ok(());
            }
            Opened::Outdated => return self.plan_anew(&rule),
            Opened::Part(part) => {
                if let Some(phase) = cursor.first_phase(&part) {
                    // Who looks at a batch that takes long is not to see the one before.
                    self.tally.in_leaf(oid, phase, None);
                    self.tally.show();
                }
                self.all_that_is_seen = Stop::at_the_end(part.row_security());
                let before = part.deleted_from();
                let outcome = cursor.delete(&part, limit, &slice);
                if let Ok(outcome) = &outcome {
                    // Nor is a part done where nothing was found by what the rule names now.
                    if outcome.deleted > 0 || cursor.is_finished() {
                        part.check_unchanged()?;
                    }
                    if outcome.deleted > 0 {
                        note_deleted(&part, outcome.deleted, before, host)?;
                    }
                }
                // All is done only if the table has not got something new meanwhile.
                let is_last = cursor.is_finished() && self.queue.is_empty();
                (outcome, is_last.then(|| part.reached_now()))
            }
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(refusal) => {
                self.failed.note(oid, refusal)?;
                // What the leaf's server has been asked for, too.
                host.roll_back();
                prepare_transaction(limits);
                return self.guard_again();
            }
        };
        let elsewhere = cursor.take_elsewhere();
        self.note(oid, &cursor, outcome, elsewhere.batches, limits);
        self.failed_shards = cursor.failure();
        for row in cursor.take_left_out() {
            self.left_out.note(oid, row);
        }
        if outcome.deleted > 0 && limits.max_replication_lag.is_some() {
            self.replicas.note();
        }
        if cursor.is_finished() {
            self.done.push(oid);
        } else {
            self.queue.push_front((oid, cursor));
        }
        if let Some(reached) = new {
            let new = self.memory.new_among(reached)?;
            self.enqueue(new)?;
        }
        let cost = pg::buffer_cost().saturating_sub(before);
        self.pace.charge(cost.saturating_add(elsewhere.cost));
        Ok(())
    }

    /// An abort has released the guard. Refuses (55P03) where another session has it by now.
    fn guard_again(&mut self) -> Result<(), Refusal> {
        // The abort has released the old one.
        let had_one = self.guard.take().is_some();
        if had_one { self.take_guard() } else { Ok(()) }
    }

    fn take_guard(&mut self) -> Result<(), Refusal> {
        let relation = open(Some(self.table), LockMode::RowExclusive)?;
        self.guard = Some(guard(&relation)?);
        Ok(())
    }

    /// Adds a batch to what has been done.
    fn note(
        &mut self,
        oid: pg_sys::Oid,
        cursor: &Cursor,
        outcome: pg::Deleted,
        batches_elsewhere: u64,
        limits: &Limits,
    ) {
        let (blocks, all_in_blocks) = self.memory.blocks();
        self.tally.plan(blocks, all_in_blocks);
        self.tally.limit(limits.max_rows, limits.max_duration);
        self.tally.add(outcome.deleted, outcome.skipped);
        if batches_elsewhere > 0 {
            self.tally.add_batches(batches_elsewhere);
        } else if outcome.deleted > 0 {
            self.tally.add_batches(1);
        }
        if let Some(phase) = cursor.phase() {
            self.tally.in_leaf(oid, phase, cursor.blocks());
        }
        if cursor.is_finished() {
            self.tally.leaf_finished();
        }
        self.tally.show();
    }

    /// Shows what the run waits for, while it does.
    fn show_wait(&mut self, waiting: Option<Waiting>) {
        self.tally.wait_for(waiting);
        self.tally.show();
    }

    fn limit(&self, limits: &Limits) -> BatchLimit {
        BatchLimit {
            rows: limits.batch_size.min(self.rows_left(limits)),
            blocks: BLOCKS,
        }
    }

    /// What other sessions may do at once.
    fn slice(&self, limits: &Limits) -> Slice {
        Slice {
            batch_size: limits.batch_size,
            rows: self.rows_left(limits),
            time: limits
                .max_duration
                .map(|max| max.saturating_sub(self.started.elapsed())),
            cost: pace::cost_of(PAID_FOR, limits.cost_delay, limits.cost_limit),
            lock_timeout: limits.lock_timeout,
        }
    }

    fn rows_left(&self, limits: &Limits) -> u64 {
        limits.max_rows.map_or(u64::MAX, |max_rows| {
            max_rows.saturating_sub(self.tally.progress().deleted)
        })
    }

    /// Why to stop after this batch, if there is a reason.
    fn stop(&self, limits: &Limits, host: &mut dyn Host) -> Option<Stop> {
        if self.queue.is_empty() {
            return Some(self.all_that_is_seen);
        }
        if limits
            .max_rows
            .is_some_and(|max| self.tally.progress().deleted >= max)
        {
            return Some(Stop::MaxRows);
        }
        if limits
            .max_duration
            .is_some_and(|max| self.started.elapsed() >= max)
        {
            return Some(Stop::MaxDuration);
        }
        host.wants_stop()
    }

    /// Ends the transaction, and sleeps what the batch has cost, between transactions, before the next: in pieces, so
    /// that other limits apply soon.
    fn sleep(&mut self, host: &mut dyn Host) {
        let mut limits = host.limits();
        let mut owed = self.pace.owed(limits.cost_delay, limits.cost_limit);
        if !owed.is_zero() {
            self.show_wait(Some(Waiting::Pace));
        }
        loop {
            host.next_transaction(false, owed);
            limits = host.limits();
            prepare_transaction(&limits);
            owed = self.pace.owed(limits.cost_delay, limits.cost_limit);
            if owed.is_zero() || self.stop(&limits, host).is_some() {
                return self.show_wait(None);
            }
        }
    }

    /// Sleeps, between transactions, while a replica is too far behind, or until there is a reason to stop.
    fn wait_for_replicas(&mut self, host: &mut dyn Host) {
        loop {
            let limits = host.limits();
            let behind = limits
                .max_replication_lag
                .is_some_and(|limit| self.replicas.lag_behind(limit));
            if !behind || self.stop(&limits, host).is_some() {
                return self.show_wait(None);
            }
            self.show_wait(Some(Waiting::Replication));
            host.next_transaction(false, REPLICAS_AGAIN);
            prepare_transaction(&limits);
        }
    }

    fn end(mut self: Box<Self>, stop: Stop) -> Ended {
        let outcome = Outcome {
            deleted: self.tally.progress().deleted,
            skipped: self.tally.progress().skipped,
            batches: self.tally.progress().batches,
            stop,
        };
        if stop == Stop::Turn {
            return Ended {
                outcome,
                failure: None,
                place: None,
                aside: Some(self.write_down()),
            };
        }
        let failed = self.failed.take_refusal(self.table);
        Ended {
            outcome,
            failure: failed
                .or_else(|| self.left_out.take_refusal())
                .or(self.failed_shards.take()),
            place: self.place(),
            aside: None,
        }
    }
}

/// What holds in each transaction of a run: commits do not wait for the disk, because a batch that a crash undoes is
/// simply done again; a lock is not waited for longer than it may be, nor than the session would.
fn prepare_transaction(limits: &Limits) {
    pg::set_for_transaction(c"synchronous_commit", "off");
    limit_lock_wait(limits);
}

pub(super) fn limit_lock_wait(limits: &Limits) {
    if pg::lock_timeout().is_none_or(|timeout| timeout > limits.lock_timeout) {
        let timeout = limits.lock_timeout.as_millis().to_string();
        pg::set_for_transaction(c"lock_timeout", &timeout);
    }
}
