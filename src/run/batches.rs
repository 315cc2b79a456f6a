//! The run itself.

use super::left_out::{FailedLeaves, LeftOutRows};
use super::pace::Pace;
use super::replicas::Replicas;
use super::{Host, Limits, Outcome, Stop};
use crate::engine::Cursor;
use crate::pg::{self, BatchLimit, TableGuard};
use crate::progress::{Tally, Waiting};
use crate::refusal::{Refusal, enough};
use crate::target::{Checked, Memory, Opened, Purpose, Rule, Target};
use pgrx::pg_sys;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many blocks a transaction reads at most (8 MB): also where nothing has expired it should end soon, so that it
/// holds back no vacuum, and so that the pace has something to slow down.
const BLOCKS: u32 = 1024;

/// How often replicas are asked whether they have caught up.
const REPLICAS_AGAIN: Duration = Duration::from_millis(500);

/// Clears a table by the host's rule. Entered and left inside a transaction of the host's.
///
/// Refuses what `raw_clear_sessions()` refuses; batches that were committed before stay so. Rows that cannot be deleted, and
/// leaves that cannot be cleared, are left out, and are an error at the end, when all others are gone.
pub fn run(table: pg_sys::Oid, host: &mut dyn Host) -> Result<Outcome, Refusal> {
    let limits = host.limits();
    limit_lock_wait(&limits);
    let mut run = Run::begin(table, &host.rule())?;
    // What the caller has done before, in the same transaction, is as durable as he wants it.
    if pg::has_written() {
        host.next_transaction(false, Duration::ZERO);
    }
    prepare_transaction(&limits);
    loop {
        let limits = host.limits();
        run.batch(&limits, host)?;
        if let Some(stop) = run.stop(&limits, host) {
            host.next_transaction(true, Duration::ZERO);
            let failed = run.failed.take_refusal(table);
            return match failed.or_else(|| run.left_out.take_refusal()) {
                Some(refusal) => Err(refusal),
                None => Ok(run.outcome(stop)),
            };
        }
        run.sleep(host);
        run.wait_for_replicas(host);
    }
}

struct Run {
    memory: Memory,
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
    _guard: Option<TableGuard>,
}

impl Run {
    fn begin(table: pg_sys::Oid, rule: &Rule) -> Result<Run, Refusal> {
        let mut checked = Checked::open(Some(table), rule, Purpose::Run)?;
        let guard = checked.take_guard();
        let (memory, todo) = Memory::of(Target::plan(checked), rule)?;
        let mut run = Run {
            memory,
            queue: VecDeque::new(),
            table,
            started: Instant::now(),
            pace: Pace::new(),
            replicas: Replicas::default(),
            tally: Tally::default(),
            left_out: LeftOutRows::default(),
            failed: FailedLeaves::default(),
            _guard: guard,
        };
        run.enqueue(todo)?;
        Ok(run)
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
        let (memory, todo) = Memory::of(Target::plan(checked), rule)?;
        self.memory = memory;
        self.queue.clear();
        self.enqueue(todo)
    }

    /// Deletes one batch from the first of what is left.
    fn batch(&mut self, limits: &Limits, host: &mut dyn Host) -> Result<(), Refusal> {
        let Some((oid, mut cursor)) = self.queue.pop_front() else {
            return Ok(());
        };
        let before = pg::buffer_cost();
        let limit = self.limit(limits);
        let rule = host.rule();
        let opened = self.memory.open(oid, &rule, &mut |_| host.is_outdated())?;
        let (outcome, new) = match opened {
            // All is done only if the table has not got something new in its place.
            Opened::Gone if self.queue.is_empty() => return self.plan_anew(&rule),
            Opened::Gone => return Ok(()),
            // The next transaction goes by the rule that is then the one.
            Opened::Outdated if host.is_outdated() => {
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
                let outcome = cursor.delete(&part, limit);
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
                return Ok(());
            }
        };
        self.note(oid, &cursor, outcome, limits);
        for row in cursor.take_left_out() {
            self.left_out.note(oid, row)?;
        }
        if outcome.deleted > 0 && limits.max_replication_lag.is_some() {
            self.replicas.note();
        }
        let foreign = cursor.take_foreign_cost();
        if !cursor.is_finished() {
            self.queue.push_front((oid, cursor));
        }
        if let Some(reached) = new {
            let new = self.memory.new_among(reached)?;
            self.enqueue(new)?;
        }
        let local = pg::buffer_cost().saturating_sub(before);
        self.pace.charge(local.saturating_add(foreign));
        Ok(())
    }

    /// Adds a batch to what has been done.
    fn note(&mut self, oid: pg_sys::Oid, cursor: &Cursor, outcome: pg::Deleted, limits: &Limits) {
        let (blocks, all_in_blocks) = self.memory.blocks();
        self.tally.plan(blocks, all_in_blocks);
        self.tally.limit(limits.max_rows, limits.max_duration);
        self.tally.add(outcome.deleted, outcome.skipped);
        if outcome.deleted > 0 {
            self.tally.add_batch();
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
        let left = limits.max_rows.map_or(u64::MAX, |max_rows| {
            max_rows.saturating_sub(self.tally.progress().deleted)
        });
        BatchLimit {
            rows: limits.batch_size.min(left),
            blocks: BLOCKS,
        }
    }

    /// Why to stop after this batch, if there is a reason.
    fn stop(&self, limits: &Limits, host: &mut dyn Host) -> Option<Stop> {
        if self.queue.is_empty() {
            return Some(Stop::Done);
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

    /// Sleeps, between transactions, while a replica is too far behind; a reason to stop is found after the next batch.
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

    fn outcome(&self, stop: Stop) -> Outcome {
        Outcome {
            deleted: self.tally.progress().deleted,
            skipped: self.tally.progress().skipped,
            batches: self.tally.progress().batches,
            stop,
        }
    }
}

/// What holds in each transaction of a run: commits do not wait for the disk, because a batch that a crash undoes is
/// simply done again; a lock is not waited for longer than it may be, nor than the session would.
fn prepare_transaction(limits: &Limits) {
    pg::set_for_transaction(c"synchronous_commit", "off");
    limit_lock_wait(limits);
}

fn limit_lock_wait(limits: &Limits) {
    if pg::lock_timeout().is_none_or(|timeout| timeout > limits.lock_timeout) {
        let timeout = limits.lock_timeout.as_millis().to_string();
        pg::set_for_transaction(c"lock_timeout", &timeout);
    }
}
