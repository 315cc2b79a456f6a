//! Removes expired rows of a table or a leaf: all at once in the caller's transaction, batch by batch, or by keeping the
//! others ([`rewrite`]).
//!
//! They take nothing but what [`crate::target`] hands out: relations that are open and locked, with what holds for them.

mod raw;
pub mod rewrite;
mod sql;

pub use sql::LeftOut;

use crate::pg::{self, BatchLimit, Deleted, FileNode, Relation};
use crate::progress::{self, Phase, Tally};
use crate::refusal::Refusal;
use crate::rule::cutoff::Range;
use crate::target::{Method, Part, Plan, Target, What};
use pgrx::pg_sys;

/// Clears a target within the caller's transaction.
pub fn run(target: &Target) -> Result<Deleted, Refusal> {
    let criterion = target.criterion();
    let leaves = match target.by() {
        Plan::Whole { .. } => {
            progress::one_statement();
            return Ok(sql::delete(target.root(), criterion));
        }
        Plan::Leaves(leaves) => leaves,
    };
    let mut tally = Tally::default();
    let (blocks, all_in_blocks) = target.blocks();
    tally.plan(blocks, all_in_blocks);
    let mut outcome = Deleted::default();
    for leaf in leaves {
        let relation = leaf.relation();
        // A trigger of an earlier leaf's may have altered this one.
        let deleted = match target.decision_now(leaf)?.method {
            Method::Nothing => continue,
            Method::Raw { test, pass } => raw::delete(relation, criterion, test, &pass, &mut tally),
            Method::Sql => {
                let blocks = relation.is_heap().then(|| (0, relation.blocks()));
                tally.in_leaf(relation.oid(), Phase::DeletingBySql, blocks);
                tally.show();
                let deleted = sql::delete_from_leaf(relation, criterion);
                tally.add(deleted.deleted, deleted.skipped);
                deleted
            }
        };
        tally.leaf_finished();
        tally.show();
        outcome += deleted;
    }
    Ok(outcome)
}

/// Where a batched clearing of a leaf, or of a whole table, has got to; holds across transactions. A place in a file means
/// nothing in another one, nor under another rule or to another engine: there it begins again.
#[derive(Debug, Default)]
pub struct Cursor(Option<(Key, Place)>);

/// What a place belongs to.
#[derive(Debug, PartialEq)]
struct Key {
    files: Vec<(pg_sys::Oid, FileNode)>,
    base_type: pg_sys::Oid,
    range: Range,
    sql: bool,
}

#[derive(Debug)]
enum Place {
    Raw(raw::Cursor),
    Sql(sql::Cursor),
    Finished,
}

impl Key {
    fn of(part: &Part<'_>) -> Key {
        let file = |relation: &Relation| (relation.oid(), relation.file());
        let (files, sql) = match &part.what {
            What::Whole(leaves) => (pg::gather(leaves.iter().map(file)), true),
            What::Leaf(leaf) => (
                vec![file(leaf.relation())],
                matches!(leaf.method(), Method::Sql),
            ),
        };
        Key {
            files,
            base_type: part.criterion.base_type,
            range: part.criterion.range,
            sql,
        }
    }
}

impl Place {
    fn begin(part: &Part<'_>) -> Place {
        match &part.what {
            What::Whole(leaves) => Place::Sql(sql::Cursor::new(&part.root, leaves)),
            What::Leaf(leaf) => match leaf.method() {
                Method::Nothing => Place::Finished,
                Method::Raw { pass, .. } => {
                    Place::Raw(raw::Cursor::new(leaf.relation(), part.criterion, pass))
                }
                Method::Sql => {
                    let leaf = leaf.relation();
                    Place::Sql(sql::Cursor::new(leaf, core::slice::from_ref(leaf)))
                }
            },
        }
    }
}

impl Cursor {
    /// False before the first batch.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            None => false,
            Some((_, Place::Raw(cursor))) => cursor.is_finished(),
            Some((_, Place::Sql(cursor))) => cursor.is_finished(),
            Some((_, Place::Finished)) => true,
        }
    }

    /// What it is doing, for the progress view; nothing where there is nothing to do.
    pub fn phase(&self) -> Option<Phase> {
        match &self.0 {
            Some((_, Place::Raw(cursor))) => Some(cursor.phase()),
            Some((_, Place::Sql(_))) => Some(Phase::DeletingBySql),
            Some((_, Place::Finished)) | None => None,
        }
    }

    /// Blocks that have been read, and all, where the rows are found by blocks.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match &self.0 {
            Some((_, Place::Raw(cursor))) => cursor.blocks(),
            Some((_, Place::Sql(cursor))) => cursor.blocks(),
            Some((_, Place::Finished)) | None => None,
        }
    }

    /// The rows that SQL could not delete, and that were left out, since it was last asked.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        match &mut self.0 {
            Some((_, Place::Sql(cursor))) => cursor.take_left_out(),
            Some((_, Place::Raw(_) | Place::Finished)) | None => Vec::new(),
        }
    }

    /// Deletes the next batch of what is open: from where the last one ended, or from the beginning.
    pub fn delete(&mut self, part: &Part<'_>, limit: BatchLimit) -> Deleted {
        let key = Key::of(part);
        if self.0.as_ref().is_none_or(|(begun, _)| *begun != key) {
            self.0 = Some((key, Place::begin(part)));
        }
        let Some((_, place)) = &mut self.0 else {
            return Deleted::default();
        };
        match (place, &part.what) {
            (Place::Raw(cursor), What::Leaf(leaf)) => match leaf.method() {
                Method::Raw { test, pass } => {
                    cursor.delete(leaf.relation(), *test, pass, limit, &mut |_, _, _| ())
                }
                Method::Sql | Method::Nothing => Deleted::default(),
            },
            (Place::Sql(cursor), what) => delete_by_sql(cursor, part, what, limit),
            (Place::Finished, _) | (Place::Raw(_), What::Whole(_)) => Deleted::default(),
        }
    }
}

fn delete_by_sql(
    cursor: &mut sql::Cursor,
    part: &Part<'_>,
    what: &What,
    limit: BatchLimit,
) -> Deleted {
    match what {
        What::Whole(leaves) => {
            let skip_locked = leaves.len() == 1 && sql::can_skip_locked(&part.root);
            let table = sql::Table::whole(&part.root);
            cursor.delete(table, part.criterion, skip_locked, limit)
        }
        What::Leaf(leaf) => {
            let relation = leaf.relation();
            let skip_locked = relation.is_heap() && sql::can_skip_locked(relation);
            let table = sql::Table::only(relation);
            cursor.delete(table, part.criterion, skip_locked, limit)
        }
    }
}
