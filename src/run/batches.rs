//! The run itself.

use super::pace::Pace;
use super::replicas::Replicas;
use super::{Host, Limits, Outcome, Stop};
use crate::engine::Cursor;
use crate::pg::{self, BatchLimit, LockMode, Relation, TableGuard};
use crate::progress::{Tally, Waiting};
use crate::refusal::Refusal;
use crate::target::{self, Criterion, Plan, Rule};
use pgrx::pg_sys;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How many blocks a transaction reads at most (8 MB): also where nothing has expired it should end soon, so that it
/// holds back no vacuum, and so that the pace has something to slow down.
const BLOCKS: u32 = 1024;

/// How often replicas are asked whether they have caught up.
const REPLICAS_AGAIN: Duration = Duration::from_millis(500);

/// Clears a table. Entered and left inside a transaction of the host's.
///
/// Refuses what `raw_clear_sessions()` refuses; batches that were committed before stay so.
pub fn run(table: pg_sys::Oid, rule: &Rule, host: &mut dyn Host) -> Result<Outcome, Refusal> {
    let mut run = Run::begin(table, rule, &host.limits())?;
    loop {
        let limits = host.limits();
        run.batch(&limits)?;
        if let Some(stop) = run.stop(&limits, host) {
            host.next_transaction(true, Duration::ZERO);
            return Ok(run.outcome(stop));
        }
        run.sleep(host);
        run.wait_for_replicas(host);
    }
}

struct Run<'r> {
    table: pg_sys::Oid,
    rule: &'r Rule,
    criterion: Criterion,
    plan: Plan,
    /// [`pg::relation_changes`] when `criterion` and `plan` were made.
    changes: u64,
    /// What is left: leaves, or the table itself where it is cleared as a whole, each with how far it has got.
    queue: VecDeque<(pg_sys::Oid, Option<Cursor>)>,
    /// Every leaf that is or was in `queue`.
    seen: HashSet<pg_sys::Oid>,
    started: Instant,
    pace: Pace,
    replicas: Replicas,
    /// What has been done, and where it is at.
    tally: Tally,
    _guard: TableGuard,
}

impl<'r> Run<'r> {
    fn begin(table: pg_sys::Oid, rule: &'r Rule, limits: &Limits) -> Result<Run<'r>, Refusal> {
        prepare_transaction(limits);
        let changes = pg::relation_changes();
        let root = target::open(Some(table), LockMode::RowExclusive)?;
        let criterion = Criterion::resolve(&root, rule)?;
        target::check_may_read(&root, &criterion)?;
        let guard = target::guard(&root)?;
        target::check_plausible(&root, &criterion, rule)?;
        let plan = target::plan(&root, &criterion, LockMode::RowExclusive);
        let mut run = Run {
            table,
            rule,
            criterion,
            plan,
            changes,
            queue: VecDeque::new(),
            seen: HashSet::new(),
            started: Instant::now(),
            pace: Pace::new(),
            replicas: Replicas::default(),
            tally: Tally::default(),
            _guard: guard,
        };
        run.enqueue();
        Ok(run)
    }

    /// Takes what is to be cleared from the plan: only what it has that has not been seen yet.
    fn enqueue(&mut self) {
        let oids: Vec<_> = match &self.plan {
            Plan::Whole { .. } => vec![self.table],
            Plan::Leaves(leaves) => leaves.iter().map(|leaf| leaf.oid).collect(),
        };
        for oid in oids {
            if self.seen.insert(oid) {
                self.queue.push_back((oid, None));
            }
        }
    }

    /// Deletes one batch from the first of what is left.
    fn batch(&mut self, limits: &Limits) -> Result<(), Refusal> {
        let root = target::open(Some(self.table), LockMode::RowExclusive)?;
        self.look_again(&root)?;
        target::check_may_read(&root, &self.criterion)?;
        let Some((oid, cursor)) = self.queue.pop_front() else {
            return Ok(());
        };
        let before = pg::buffer_cost();
        let limit = self.limit(limits);
        let Some((cursor, outcome)) = self.delete(&root, oid, cursor, limit) else {
            // Dropped or detached since.
            return Ok(());
        };
        self.note(oid, &cursor, outcome, limits);
        if outcome.deleted > 0 && limits.max_replication_lag.is_some() {
            self.replicas.note();
        }
        if !cursor.is_finished() {
            self.queue.push_front((oid, Some(cursor)));
        }
        self.pace.charge(pg::buffer_cost().saturating_sub(before));
        Ok(())
    }

    /// Adds a batch to what has been done.
    fn note(&mut self, oid: pg_sys::Oid, cursor: &Cursor, outcome: pg::Deleted, limits: &Limits) {
        let (blocks, all_in_blocks) = self.plan.blocks();
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

    /// Resolves the rule and plans once more, if the table, or a right to it, may have changed since.
    fn look_again(&mut self, root: &Relation) -> Result<(), Refusal> {
        let changes = pg::relation_changes();
        let needs_sql = matches!(self.plan, Plan::Leaves(_)) && pg::row_security_applies(root);
        if changes == self.changes && !needs_sql {
            return Ok(());
        }
        self.criterion = Criterion::resolve_at(root, self.rule, self.criterion.now)?;
        let was_whole = matches!(self.plan, Plan::Whole { .. });
        self.plan = target::plan(root, &self.criterion, LockMode::RowExclusive);
        self.changes = changes;
        if was_whole != matches!(self.plan, Plan::Whole { .. }) {
            self.queue.clear();
            self.seen.clear();
        }
        self.enqueue();
        Ok(())
    }

    /// Deletes the next batch, from where the cursor is or from the beginning; `None` where the leaf is no longer the
    /// table's.
    fn delete(
        &self,
        root: &Relation,
        oid: pg_sys::Oid,
        cursor: Option<Cursor>,
        limit: BatchLimit,
    ) -> Option<(Cursor, pg::Deleted)> {
        match &self.plan {
            Plan::Whole { heaps, .. } => {
                let leaves = pg::leaves(root, LockMode::RowExclusive);
                let mut cursor =
                    cursor.unwrap_or_else(|| Cursor::for_whole(heaps.then_some(&leaves[..])));
                let single = leaves.len() == 1;
                let deleted = cursor.delete_from_whole(root, &self.criterion, single, limit);
                Some((cursor, deleted))
            }
            Plan::Leaves(leaves) => {
                let leaf = leaves.iter().find(|leaf| leaf.oid == oid)?;
                let relation = Relation::open(oid, LockMode::RowExclusive)?;
                let mut cursor =
                    cursor.unwrap_or_else(|| Cursor::for_leaf(&relation, &self.criterion, leaf));
                let deleted = cursor.delete_from_leaf(&relation, &self.criterion, leaf, limit);
                Some((cursor, deleted))
            }
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
    if pg::lock_timeout().is_none_or(|timeout| timeout > limits.lock_timeout) {
        let timeout = limits.lock_timeout.as_millis().to_string();
        pg::set_for_transaction(c"lock_timeout", &timeout);
    }
}
