//! Clears the shards of a distributed (Citus) table where they are: slice by slice, all nodes at the same time, each
//! shard with what [`crate::run`] does on an ordinary table.
//!
//! Citus' own function sends the calls, over connections of its own as the current role, outside of the transaction here:
//! so what a slice has deleted is committed when it returns. A slice is short, because the transaction here lasts as long.
//! Where each shard has got to is remembered here and passed back with the next slice. A shard that has moved begins again
//! where it is now; one that fails is tried once more from where it had got to, without others beside it on its node, then
//! left alone, and told of at the end. From its beginning, what lies before the place that fails would go well each time.

mod call;
mod failures;
mod meaning;
mod order;

pub use call::{limit_lock_wait, take_waited_for};
pub use failures::Failures;
pub use meaning::Taken;
pub use order::{Order, Place, Report};

use super::bookmark::{At, Mark};
use crate::pg::{self, Deleted, Relation};
use crate::refusal::Refusal;
use crate::table::{self, Criterion, Node, Shard};
use call::{Call, GRACE, Wait, answers, ask_nodes, explain, is_missing, nodes_of};
use logic::portion::Portion;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long a slice takes at most, about: so that no transaction here or there is long, and small beside the sleep that it
/// costs.
const PACED: Duration = Duration::from_millis(25);

/// The same where nothing is slept: the connections that each slice makes should cost little beside it.
const UNPACED: Duration = Duration::from_secs(1);

/// How long a node may take to answer, beyond the locks that it may wait for: it may have stopped, and the others wait for it.
/// Then, where it answers to something else, at the same place once more: a batch may take that long.
const PATIENCE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(300)];

/// How many shards of one node are cleared at the same time: few where others are to be disturbed little.
const PACED_AT_ONCE: usize = 2;

/// The same where nothing is slept.
const AT_ONCE: usize = 4;

/// After how many failures at the same place a shard is left alone.
const TRIES: u32 = 2;

/// What one slice may do.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Rows that one transaction deletes, about.
    pub batch_size: u64,
    /// Rows that may be deleted in all.
    pub rows: u64,
    /// How much time is left; `None`: as much as it takes.
    pub time: Option<Duration>,
    /// What it may cost each node, in autovacuum's units, where it is slept for afterwards; `None`: what it takes.
    pub cost: Option<u64>,
    /// How long to wait for the lock on a shard.
    pub lock_timeout: Duration,
}

/// What the nodes have done in their own sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elsewhere {
    /// What it cost the node that it cost most, in autovacuum's units; where nodes take turns, a part of that: while one is
    /// worked on, the others rest.
    pub cost: u64,
    /// Transactions that deleted rows.
    pub batches: u64,
}

/// How far the shards of one table are.
#[derive(Debug)]
pub struct Cursor {
    shards: BTreeMap<i64, State>,
    slices: u64,
    /// How much of a slice there may be next, where others are to be disturbed little.
    portion: Portion,
    elsewhere: Elsewhere,
    failures: Failures,
    /// Nodes that have failed at one of several shards, and that may take no more connections.
    one_by_one: BTreeSet<i32>,
    finished: bool,
}

/// How far one shard is.
#[derive(Debug, Default)]
struct State {
    mark: Mark,
    /// The slice that it had its last turn in.
    turn: u64,
}

impl State {
    fn on(node: Node) -> State {
        State {
            mark: Mark {
                node,
                ..Mark::default()
            },
            turn: 0,
        }
    }
}

/// Whether the nodes can clear the shards of a table. `Err`: why one cannot.
pub fn nodes_can_clear(table: &Relation) -> Result<(), String> {
    ask_nodes(&table::shards(table), Wait::SHORT).map(drop)
}

impl Cursor {
    /// At the beginning. `None`, with a NOTICE, where the nodes cannot do it: then it is a DELETE that Citus sends them.
    pub fn begin(table: &Relation, slice: &Slice) -> Option<Cursor> {
        let wait = Wait::SHORT.within(slice.time, GRACE);
        let shards = table::shards(table);
        let silent = match ask_nodes(&shards, wait) {
            Ok(silent) => silent,
            Err(why) => {
                pg::notice(
                    &format!(
                        "the shards of table \"{}\" cannot be cleared one by one",
                        table.name()
                    ),
                    Some(&why),
                    Some(
                        "One DELETE clears them all instead; of the limits, only lock_timeout applies to it.",
                    ),
                );
                return None;
            }
        };
        let mut cursor = Cursor {
            shards: BTreeMap::new(),
            slices: 0,
            portion: Portion::first(PACED),
            elsewhere: Elsewhere::default(),
            failures: Failures::default(),
            one_by_one: BTreeSet::new(),
            finished: false,
        };
        cursor.follow(&shards);
        cursor.leave_alone(&shards, &silent);
        Some(cursor)
    }

    /// Where another one has got to, in the same run. That has asked the nodes; who did not answer then, and what has been
    /// left alone since, is left to the next run.
    pub fn go_on(marks: &BTreeMap<i64, Mark>, failures: &Failures) -> Cursor {
        let state = |(id, mark): (&i64, &Mark)| {
            let state = State {
                mark: mark.clone(),
                turn: 0,
            };
            (*id, state)
        };
        Cursor {
            shards: marks.iter().map(state).collect(),
            slices: 1,
            portion: Portion::first(PACED),
            elsewhere: Elsewhere::default(),
            failures: failures.clone(),
            one_by_one: BTreeSet::new(),
            finished: false,
        }
    }

    /// Where it has got to.
    pub fn at(&self) -> At {
        let marks = self.shards.iter();
        At::Shards {
            marks: marks.map(|(id, state)| (*id, state.mark.clone())).collect(),
            failures: self.failures.clone(),
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// It has done nothing yet but ask the nodes whether they can.
    pub fn has_only_begun(&self) -> bool {
        self.slices == 0
    }

    /// Blocks that have been read of all shards, and all that they have, once each has had a turn.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        let mut sum = (0_u32, 0_u32);
        for state in self.shards.values().filter(|state| state.mark.failed == 0) {
            let (done, all) = state.mark.blocks?;
            sum = (sum.0.saturating_add(done), sum.1.saturating_add(all));
        }
        Some(sum)
    }

    pub fn take_elsewhere(&mut self) -> Elsewhere {
        std::mem::take(&mut self.elsewhere)
    }

    /// What is wrong with the shards that have been left alone.
    pub fn failure(&self) -> Option<Refusal> {
        self.failures.refusal(self.shards.len())
    }

    /// Has the nodes do one slice.
    pub fn delete(&mut self, table: &Relation, criterion: &Criterion, slice: &Slice) -> Deleted {
        let started = Instant::now();
        let shards = table::shards(table);
        self.follow(&shards);
        self.slices += 1;
        let chosen = self.choose(&shards, slice);
        let time = self.time(slice);
        let order = Order::new(criterion, slice, time, chosen.len());
        let share = (
            nodes_of(chosen.iter().copied()).len(),
            self.nodes_left(&shards),
        );
        let calls: Vec<_> = chosen
            .iter()
            .map(|shard| Call {
                node: &shard.node,
                command: order.command(&shard.name, self.shards[&shard.id].mark.place.as_ref()),
            })
            .collect();
        let has_failed = |shard: &&Shard| self.shards[&shard.id].mark.failed > 0;
        let wait = Wait {
            most: PATIENCE[usize::from(chosen.iter().any(has_failed))],
            asked: time,
        };
        let answers = answers(&calls, wait.within(slice.time, slice.lock_timeout + GRACE));
        let mut deleted = Deleted::default();
        let mut costs: BTreeMap<i32, u64> = BTreeMap::new();
        let mut failed = Vec::new();
        for (shard, answer) in chosen.iter().zip(answers) {
            match answer.and_then(|text| Report::parse(&text)) {
                Ok(report) => {
                    let cost = costs.entry(shard.node.group).or_default();
                    *cost = cost.saturating_add(report.cost);
                    self.elsewhere.batches += report.batches;
                    deleted += self.take_report(shard, report);
                }
                Err(message) => failed.push((*shard, message)),
            }
        }
        self.elsewhere.cost += share_of(costs.into_values().max().unwrap_or(0), share);
        if failed.iter().all(|(_, message)| !is_missing(message)) {
            self.portion.follow(chosen.len(), started.elapsed());
        }
        let left = slice
            .time
            .map(|left| left.saturating_sub(started.elapsed()));
        self.take_failures(&shards, failed, left);
        self.finished = shards
            .iter()
            .all(|shard| self.shards[&shard.id].mark.finished);
        deleted
    }

    /// Sees which shards there are now, and where.
    fn follow(&mut self, shards: &[Shard]) {
        self.shards
            .retain(|id, _| shards.iter().any(|shard| shard.id == *id));
        for shard in shards {
            let on_node = || State::on(shard.node.clone());
            let state = self.shards.entry(shard.id).or_insert_with(on_node);
            if state.mark.node != shard.node {
                // What was deleted while it was being copied may have come along.
                *state = on_node();
            }
        }
    }

    /// How many nodes have shards that are not done with.
    fn nodes_left(&self, shards: &[Shard]) -> usize {
        let left = shards
            .iter()
            .filter(|shard| !self.shards[&shard.id].mark.finished);
        nodes_of(left).len()
    }

    /// How long each shard is worked on.
    fn time(&self, slice: &Slice) -> Duration {
        let time = slice.cost.map_or(UNPACED, |_| self.portion.time());
        slice.time.map_or(time, |left| left.min(time))
    }

    /// The shards whose turn it is: on each node those whose last one is longest ago.
    fn choose<'s>(&mut self, shards: &'s [Shard], slice: &Slice) -> Vec<&'s Shard> {
        let mut waiting: Vec<_> = shards
            .iter()
            .filter(|shard| !self.shards[&shard.id].mark.finished)
            .collect();
        waiting.sort_by_key(|shard| self.shards[&shard.id].turn);
        let (at_once, in_all) = if slice.cost.is_some() {
            (PACED_AT_ONCE, self.portion.asked())
        } else {
            (AT_ONCE, usize::MAX)
        };
        let mut busy: BTreeMap<i32, usize> = BTreeMap::new();
        waiting.retain(|shard| {
            let group = shard.node.group;
            let busy = busy.entry(group).or_default();
            *busy += 1;
            *busy == 1 || *busy <= at_once && !self.one_by_one.contains(&group)
        });
        let rows = usize::try_from(slice.rows).unwrap_or(usize::MAX);
        waiting.truncate(rows.min(in_all).max(1));
        for shard in &waiting {
            if let Some(state) = self.shards.get_mut(&shard.id) {
                state.turn = self.slices;
            }
        }
        waiting
    }

    fn take_report(&mut self, shard: &Shard, report: Report) -> Deleted {
        if let Some(state) = self.shards.get_mut(&shard.id) {
            state.mark.failed = 0;
            state.mark.finished = report.finished;
            state.mark.blocks = Some(report.blocks);
            state.mark.place = report.place;
        }
        if let Some(message) = report.left_out {
            self.failures.rows(shard, message);
        }
        Deleted {
            deleted: report.deleted,
            skipped: report.skipped,
        }
    }

    /// Looks whether it is the nodes: then none of their shards is waited for any longer. Where no time is left for that, it is
    /// told which have not answered.
    fn take_failures(
        &mut self,
        shards: &[Shard],
        failed: Vec<(&Shard, String)>,
        left: Option<Duration>,
    ) {
        if left.is_some_and(|left| left.is_zero()) {
            for (shard, message) in failed {
                if is_missing(&message) {
                    self.failures.shard(shard, message);
                }
            }
            return;
        }
        let nodes = nodes_of(failed.iter().map(|(shard, _)| *shard));
        let pings: Vec<_> = nodes.iter().map(|node| Call::ping(node)).collect();
        let wait = Wait::SHORT.within(left, GRACE / 2);
        let started = Instant::now();
        let mut pinged = answers(&pings, wait);
        explain(call::failed(&nodes, &mut pinged), started.elapsed());
        let down: Vec<_> = nodes
            .iter()
            .zip(pinged)
            .filter_map(|(node, answer)| answer.err().map(|message| ((*node).clone(), message)))
            .collect();
        self.leave_alone(shards, &down);
        for (shard, message) in failed {
            if let Some(state) = self.shards.get_mut(&shard.id)
                && !state.mark.finished
            {
                self.one_by_one.insert(shard.node.group);
                state.mark.failed += 1;
                if state.mark.failed >= TRIES {
                    state.mark.finished = true;
                    self.failures.shard(shard, message);
                }
            }
        }
    }

    /// The shards of these nodes are not waited for any longer.
    fn leave_alone(&mut self, shards: &[Shard], nodes: &[(Node, String)]) {
        for (node, message) in nodes {
            for shard in shards.iter().filter(|shard| shard.node == *node) {
                if let Some(state) = self.shards.get_mut(&shard.id)
                    && !state.mark.finished
                {
                    state.mark.finished = true;
                    state.mark.failed = TRIES;
                    self.failures.shard(shard, message.clone());
                }
            }
        }
    }
}

/// The part of a cost that so many nodes out of so many are, rounded up.
fn share_of(cost: u64, (busy, all): (usize, usize)) -> u64 {
    let (busy, all) = (busy as u128, all.max(1) as u128);
    let share = u128::from(cost).saturating_mul(busy).div_ceil(all);
    u64::try_from(share).unwrap_or(u64::MAX)
}
