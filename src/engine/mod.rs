//! Removes expired rows of a table or a leaf: all at once in the caller's transaction, batch by batch, or by keeping the
//! others ([`rewrite`]).

mod raw;
pub mod rewrite;
mod sql;

use crate::pg::{BatchLimit, Deleted, LockMode, Relation};
use crate::progress::{self, Phase, Tally};
use crate::target::{Criterion, LeafPlan, Method, Plan};

/// Carries out a plan within the caller's transaction.
pub fn run(root: &Relation, criterion: &Criterion, plan: &Plan) -> Deleted {
    let leaves = match plan {
        Plan::Whole { .. } => {
            progress::one_statement();
            return sql::delete(&root.qualified_name(), criterion);
        }
        Plan::Leaves(leaves) => leaves,
    };
    let mut tally = Tally::default();
    let (blocks, all_in_blocks) = plan.blocks();
    tally.plan(blocks, all_in_blocks);
    let mut outcome = Deleted::default();
    for leaf in leaves {
        // Locked when the plan was made, so that it is still there.
        let Some(relation) = Relation::open(leaf.oid, LockMode::RowExclusive) else {
            continue;
        };
        let deleted = match &leaf.method {
            Method::Nothing => continue,
            Method::Raw { test, pass } => {
                raw::delete(&relation, criterion, *test, pass, &mut tally)
            }
            Method::Sql => {
                let blocks = leaf.is_heap.then_some((0, leaf.blocks));
                tally.in_leaf(leaf.oid, Phase::DeletingBySql, blocks);
                tally.show();
                let deleted = sql::delete(&only(leaf), criterion);
                tally.add(deleted.deleted, deleted.skipped);
                deleted
            }
        };
        tally.leaf_finished();
        tally.show();
        outcome += deleted;
    }
    outcome
}

fn only(leaf: &LeafPlan) -> String {
    format!("ONLY {}", leaf.name)
}

/// Where a batched clearing of a leaf, or of a whole table, has got to; holds across transactions.
#[derive(Debug)]
pub enum Cursor {
    Raw(raw::Cursor),
    Sql(sql::Cursor),
    Finished,
}

impl Cursor {
    /// For one leaf of a plan, which is open and locked.
    pub fn for_leaf(relation: &Relation, criterion: &Criterion, leaf: &LeafPlan) -> Self {
        match &leaf.method {
            Method::Nothing => Cursor::Finished,
            Method::Raw { pass, .. } => Cursor::Raw(raw::Cursor::new(relation, criterion, pass)),
            Method::Sql => {
                let heap = leaf.is_heap.then(|| core::slice::from_ref(relation));
                Cursor::Sql(sql::Cursor::new(heap))
            }
        }
    }

    /// For a table that is cleared as a whole; `heaps` are the relations that it reaches, if all of them are heaps.
    pub fn for_whole(heaps: Option<&[Relation]>) -> Self {
        Cursor::Sql(sql::Cursor::new(heaps))
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Cursor::Raw(cursor) => cursor.is_finished(),
            Cursor::Sql(cursor) => cursor.is_finished(),
            Cursor::Finished => true,
        }
    }

    /// What it is doing, for the progress view; nothing where there is nothing to do.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Cursor::Raw(cursor) => Some(cursor.phase()),
            Cursor::Sql(_) => Some(Phase::DeletingBySql),
            Cursor::Finished => None,
        }
    }

    /// Blocks that have been read, and all, where the rows are found by blocks.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match self {
            Cursor::Raw(cursor) => cursor.blocks(),
            Cursor::Sql(cursor) => cursor.blocks(),
            Cursor::Finished => None,
        }
    }

    /// Deletes the next batch of a leaf.
    pub fn delete_from_leaf(
        &mut self,
        relation: &Relation,
        criterion: &Criterion,
        leaf: &LeafPlan,
        limit: BatchLimit,
    ) -> Deleted {
        match (&mut *self, &leaf.method) {
            (Cursor::Raw(cursor), Method::Raw { test, pass }) => {
                cursor.delete(relation, *test, pass, limit, &mut |_, _, _| ())
            }
            (Cursor::Sql(cursor), Method::Sql) => {
                let skip_locked = leaf.is_heap && sql::can_skip_locked(relation);
                cursor.delete(&only(leaf), criterion, skip_locked, limit)
            }
            // The leaf has come to need another engine since: once more from its beginning.
            _ => {
                *self = Cursor::for_leaf(relation, criterion, leaf);
                Deleted::default()
            }
        }
    }

    /// Deletes the next batch of a table that is cleared as a whole; `single`: it reaches one heap only.
    pub fn delete_from_whole(
        &mut self,
        root: &Relation,
        criterion: &Criterion,
        single: bool,
        limit: BatchLimit,
    ) -> Deleted {
        if let Cursor::Sql(cursor) = self {
            let skip_locked = single && sql::can_skip_locked(root);
            return cursor.delete(&root.qualified_name(), criterion, skip_locked, limit);
        }
        Deleted::default()
    }
}
