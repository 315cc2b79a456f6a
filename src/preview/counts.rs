//! One estimate for all that the preview says of numbers, so that it does not contradict itself: a sample of the table, or
//! all of it.
//!
//! The planner's statistics may be missing, or as old as the last session; but a sample overlooks few rows that lie together.
//! So where it has seen none, the planner's estimate counts, up to what a sample may overlook.

use crate::pg::{self, LockMode, Privilege, Relation};
use crate::refusal::enough;
use crate::table::{
    self, Count, Plan, Target, count, estimate_all, estimate_all_leaves, estimate_expired,
};
use logic::number;
use pgrx::pg_sys;
use std::collections::HashMap;

/// Of a thing that happens in less than this many of a number of tries, one may see nothing in all of these, at a
/// confidence of 95 % (the rule of three).
const OVERLOOKED: f64 = 3.0;

/// Numbers of rows.
pub struct Counts {
    pub expired: f64,
    pub total: f64,
    /// The expired rows of each leaf that has a row; `None` where the leaves were not told apart.
    leaves: Option<HashMap<pg_sys::Oid, f64>>,
    /// The instant at which the first row expired, where that could be told without reading a large table.
    pub oldest: Option<String>,
    /// So many rows at least have a time before 2000, and stay.
    pub too_early: f64,
    /// Rows were read, and none of them has an instant at which it expires.
    pub none_can_expire: bool,
}

impl Counts {
    /// The expired rows of one of so many leaves.
    pub fn leaf(&self, leaf: &Relation, leaves: usize) -> Option<i64> {
        if leaves == 1 {
            return Some(number::whole(self.expired));
        }
        let leaves = self.leaves.as_ref()?;
        Some(number::whole(
            leaves.get(&leaf.oid()).copied().unwrap_or_default(),
        ))
    }

    pub fn expired_fraction(&self) -> f64 {
        if self.total > 0.0 {
            (self.expired / self.total).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Counts, all rows or a sample; `indexed`: there is an index that leads to the first expired row.
pub fn take(target: &Target, exact: bool, indexed: bool) -> Counts {
    let by_leaf = tells_leaves_apart(target);
    let table = target.checked();
    let fraction = table::sample_fraction(table).filter(|_| !exact);
    if exact || fraction == Some(1.0) {
        return all_of(count(table, None, by_leaf), by_leaf);
    }
    let sample = match fraction {
        Some(_) => count(table, fraction, by_leaf),
        None => table::Counts::default(),
    };
    let oldest = indexed.then(|| table::oldest_expired(table));
    let none_expired = oldest == Some(None);
    let (mut expired, mut total) = (0.0, 0.0);
    let spread_fraction = fraction.filter(|_| table::spread(target.root()).is_some());
    let mut leaves = HashMap::new();
    let parts = parts(target, by_leaf);
    let blocks: f64 = parts.iter().map(|part| part.blocks).sum();
    let rows_of_block = fraction.map(|fraction| sample.total.all / (fraction * blocks).max(1.0));
    for mut part in parts {
        if let Some(rows) = rows_of_block {
            part.correct(rows);
        }
        let seen = match part.leaf {
            Some(leaf) => sample.leaves.get(&leaf).copied().unwrap_or_default(),
            None => sample.total,
        };
        let sampled_blocks = fraction.map_or(0.0, |fraction| fraction * part.blocks);
        let part_expired = if none_expired {
            0.0
        } else if let Some(fraction) = spread_fraction {
            // The planner here knows nothing of shards.
            (seen.expired / fraction).round()
        } else {
            part.expired(&seen, sampled_blocks).round()
        };
        expired += part_expired;
        total += spread_fraction.map_or(part.planned_total, |fraction| sample.total.all / fraction);
        enough(leaves.try_reserve(1)).unwrap_or_else(|refusal| refusal.raise());
        leaves.extend(part.leaf.map(|leaf| (leaf, part_expired)));
    }
    Counts {
        expired,
        total,
        leaves: by_leaf.then_some(leaves),
        oldest: oldest.flatten(),
        too_early: sample.total.too_early,
        none_can_expire: sample.total.all > 0.0 && sample.total.mortal == 0.0,
    }
}

fn all_of(counted: table::Counts, by_leaf: bool) -> Counts {
    let expired = |(leaf, count): (pg_sys::Oid, Count)| (leaf, count.expired);
    Counts {
        expired: counted.total.expired,
        total: counted.total.all,
        leaves: by_leaf.then(|| pg::gather_by_key(counted.leaves.into_iter().map(expired))),
        oldest: counted.oldest,
        too_early: counted.total.too_early,
        none_can_expire: counted.total.all > 0.0 && counted.total.mortal == 0.0,
    }
}

/// Whether rows can be counted leaf by leaf: by `tableoid`, which takes the right to read the whole table.
fn tells_leaves_apart(target: &Target) -> bool {
    matches!(target.by(), Plan::Leaves(leaves) if leaves.len() > 1)
        && pg::has_privilege(target.root(), Privilege::Select)
}

/// A leaf, or the whole table, as the planner has it.
struct Part {
    leaf: Option<pg_sys::Oid>,
    blocks: f64,
    planned_total: f64,
    planned_expired: f64,
    /// VACUUM and ANALYZE have been there: the planner does not guess how many rows there are.
    is_known: bool,
}

impl Part {
    /// Takes the number of rows from what a sample has seen where the planner has guessed it.
    fn correct(&mut self, rows_of_block: f64) {
        if !self.is_known && self.planned_total > 0.0 {
            let total = (self.blocks * rows_of_block).round();
            self.planned_expired *= total / self.planned_total;
            self.planned_total = total;
        }
    }

    /// Its expired rows, by what a sample of so many blocks has seen.
    fn expired(&self, seen: &Count, sampled_blocks: f64) -> f64 {
        if seen.expired > 0.0 {
            return self.planned_total * seen.expired / seen.all;
        }
        let overlooked = (OVERLOOKED / sampled_blocks.max(1.0)).min(1.0);
        self.planned_expired.min(self.planned_total * overlooked)
    }
}

fn parts(target: &Target, by_leaf: bool) -> Vec<Part> {
    let table = target.checked();
    let blocks = |leaf: &Relation| {
        let blocks = leaf.is_heap().then(|| leaf.blocks());
        f64::from(blocks.unwrap_or_default())
    };
    match target.by() {
        Plan::Leaves(leaves) if by_leaf => {
            let total = estimate_all_leaves(table, leaves.iter().map(|leaf| leaf.relation()));
            let part = |leaf: &table::Leaf| Part {
                leaf: Some(leaf.relation().oid()),
                blocks: blocks(leaf.relation()),
                planned_total: total
                    .access(leaf.relation())
                    .map_or(0.0, |access| access.rows),
                planned_expired: leaf.decision().rows,
                is_known: leaf.relation().is_counted(),
            };
            pg::gather(leaves.iter().map(part))
        }
        _ => {
            let leaves = pg::leaves(table.root(), LockMode::AccessShare);
            vec![Part {
                leaf: None,
                blocks: leaves.iter().map(blocks).sum(),
                planned_total: estimate_all(table).rows,
                planned_expired: estimate_expired(table).rows,
                is_known: leaves.iter().all(Relation::is_counted),
            }]
        }
    }
}
