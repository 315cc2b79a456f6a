//! Removes expired rows of a table or a leaf: all at once in the caller's transaction, batch by batch, or by keeping the
//! others ([`rewrite`]).
//!
//! They take nothing but what [`crate::target`] hands out: relations that are open and locked, with what holds for them.

mod foreign;
mod raw;
pub mod rewrite;
mod sql;

pub use sql::LeftOut;

use crate::pg::{self, BatchLimit, Deleted, FileNode, Relation};
use crate::progress::{self, Phase, Tally};
use crate::refusal::Refusal;
use crate::rule::cutoff::Range;
use crate::target::{Method, Part, Plan, Target, What};
use core::ffi::CStr;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// Clears a target within the caller's transaction.
pub fn run(target: &Target) -> Result<Deleted, Refusal> {
    let criterion = target.criterion();
    let leaves = match target.by() {
        Plan::Whole { .. } => {
            progress::one_statement();
            let root = target.root();
            return Ok(explained(root, || sql::delete(root, criterion)));
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
                let deleted = explained(relation, || sql::delete_from_leaf(relation, criterion));
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

/// What is deleted in one transaction is deleted altogether or not at all, on other servers too: an ERROR of one of these
/// is the call's. It says which table it was, and what could be done.
fn explained(table: &Relation, delete: impl FnOnce() -> Deleted) -> Deleted {
    if !table.is_foreign() {
        return delete();
    }
    let part = format!("clearing of foreign table \"{}\"", table.name());
    pg::explaining(&part, hint_for_foreign, delete)
}

fn hint_for_foreign(sqlstate: PgSqlErrorCode) -> Option<&'static CStr> {
    match sqlstate {
        PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE => Some(
            c"A row has been changed on the foreign server meanwhile. Try again, or use the procedure raw_clear_sessions_in_batches(), which does so by itself.",
        ),
        PgSqlErrorCode::ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION
        | PgSqlErrorCode::ERRCODE_CONNECTION_FAILURE => Some(
            c"Nothing has been deleted. Where it is one of several partitions, the procedure raw_clear_sessions_in_batches() clears the others.",
        ),
        _ => None,
    }
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
            What::Whole(leaves) => (leaves.iter().map(file).collect(), true),
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

    /// What the first batch does, where that is not known from the cursor yet: SQL's, which may take long.
    pub fn first_phase(&self, part: &Part<'_>) -> Option<Phase> {
        let by_sql = match &part.what {
            What::Whole(_) => true,
            What::Leaf(leaf) => matches!(leaf.method(), Method::Sql),
        };
        (self.0.is_none() && by_sql).then_some(Phase::DeletingBySql)
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

    /// What the last batch has cost another server, about, in the currency of the pace.
    pub fn take_foreign_cost(&mut self) -> u64 {
        match &mut self.0 {
            Some((_, Place::Sql(cursor))) => cursor.take_foreign_cost(),
            Some((_, Place::Raw(_) | Place::Finished)) | None => 0,
        }
    }

    /// Deletes the next batch of what is open: from where the last one ended, or from the beginning. Refuses what is wrong
    /// with a leaf; then this transaction has to be rolled back, and other leaves can be cleared in the next.
    pub fn delete(&mut self, part: &Part<'_>, limit: BatchLimit) -> Result<Deleted, Refusal> {
        let key = Key::of(part);
        if self.0.as_ref().is_none_or(|(begun, _)| *begun != key) {
            if part.is_foreign() {
                pg::attempt(pg::is_of_a_table, || part.check_foreign_values()).flatten()?;
            }
            self.0 = Some((key, Place::begin(part)));
        }
        let Some((_, place)) = &mut self.0 else {
            return Ok(Deleted::default());
        };
        Ok(match (place, &part.what) {
            (Place::Raw(cursor), What::Leaf(leaf)) => match leaf.method() {
                Method::Raw { test, pass } => {
                    cursor.delete(leaf.relation(), *test, pass, limit, &mut |_, _, _| ())
                }
                Method::Sql | Method::Nothing => Deleted::default(),
            },
            (Place::Sql(cursor), what) => delete_by_sql(cursor, part, what, limit)?,
            (Place::Finished, _) | (Place::Raw(_), What::Whole(_)) => Deleted::default(),
        })
    }
}

fn delete_by_sql(
    cursor: &mut sql::Cursor,
    part: &Part<'_>,
    what: &What,
    limit: BatchLimit,
) -> Result<Deleted, Refusal> {
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
