//! Removes expired rows of a table or a leaf: all at once in the caller's transaction, batch by batch, or by keeping the
//! others ([`rewrite`]).
//!
//! They take nothing but what [`crate::table`] hands out: relations that are open and locked, with what holds for them.

mod bookmark;
mod foreign;
mod kept;
mod keys;
mod raw;
pub mod rewrite;
pub mod shards;
mod sql;
mod statement;
mod tries;

use bookmark::At;
pub use bookmark::Bookmark;
pub use shards::Slice;
pub use sql::LeftOut;

use crate::pg::{self, BatchLimit, Deleted, FileNode, Relation};
use crate::progress::{self, Phase, Tally};
use crate::refusal::Refusal;
use crate::table::obstacle::{self, Obstacle};
use crate::table::{self, CITUS, Method, Part, Plan, RowSecurity, Rule, Spread, Target, What};
use core::ffi::CStr;
use logic::cutoff::Range;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// Clears a target within the caller's transaction.
pub fn run(target: &Target, rule: &Rule) -> Result<Deleted, Refusal> {
    let criterion = target.criterion();
    let leaves = match target.by() {
        Plan::Whole { leaves, .. } => {
            progress::one_statement();
            let root = target.root();
            let deleted = explained(root, || statement::delete(root, criterion));
            table::check_unchanged(root, rule, criterion, leaves)?;
            return Ok(deleted);
        }
        Plan::Leaves(leaves) => leaves,
    };
    let mut tally = Tally::default();
    let (blocks, all_in_blocks) = target.blocks();
    tally.plan(blocks, all_in_blocks);
    let mut outcome = Deleted::default();
    let mut by_statements = false;
    for leaf in leaves {
        let relation = leaf.relation();
        // A trigger of an earlier leaf's may have altered this one.
        let deleted = match target.decision_now(leaf)?.method {
            Method::Nothing => continue,
            Method::Raw { test, pass } => raw::delete(relation, criterion, test, &pass, &mut tally),
            Method::Sql => {
                by_statements = true;
                let blocks = relation.is_heap().then(|| (0, relation.blocks()));
                tally.in_leaf(relation.oid(), Phase::DeletingBySql, blocks);
                tally.show();
                let deleted = explained(relation, || {
                    statement::delete_from_leaf(relation, criterion)
                });
                tally.add(deleted.deleted, deleted.skipped);
                deleted
            }
        };
        tally.leaf_finished();
        tally.show();
        outcome += deleted;
    }
    if by_statements {
        table::check_still_meant(target.root(), rule, criterion)?;
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

/// Whether the procedure and the worker clear all of it in batches, and no part of it in one transaction.
pub fn works_in_batches(target: &Target) -> bool {
    let by_sql =
        |table: &Relation, leaves: &[Relation]| sql::Cursor::new(table, leaves).is_in_batches();
    match target.by() {
        Plan::Whole { leaves, .. } => match spread_as_a_whole(target.root()) {
            Some(Spread::Single) => shards::nodes_can_clear(target.root()).is_ok(),
            Some(Spread::Replicated) => keys::Cursor::begin(target.root(), None).is_some(),
            None => by_sql(target.root(), leaves),
        },
        Plan::Leaves(leaves) => leaves.iter().all(|leaf| match leaf.method() {
            Method::Sql => by_sql(leaf.relation(), core::slice::from_ref(leaf.relation())),
            Method::Raw { .. } | Method::Nothing => true,
        }),
    }
}

/// Why the shards of a distributed table cannot be cleared one by one, though nothing is in the way but a node.
pub fn why_not_by_shards(target: &Target) -> Option<String> {
    match (target.by(), spread_as_a_whole(target.root())) {
        (Plan::Whole { .. }, Some(Spread::Single)) => shards::nodes_can_clear(target.root()).err(),
        _ => None,
    }
}

/// Where a batched clearing of a leaf, or of a whole table, has got to; holds across transactions. A place in a file means
/// nothing in another one, nor under another rule or to another engine: there it begins again.
#[derive(Debug, Default)]
pub struct Cursor {
    begun: Option<(Key, Place)>,
    /// Where another run has got to: it counts if it belongs to what is found.
    bookmark: Option<Bookmark>,
}

/// What a place belongs to.
#[derive(Debug, PartialEq)]
struct Key {
    files: Vec<(pg_sys::Oid, FileNode)>,
    base_type: pg_sys::Oid,
    range: Range,
    sql: bool,
    /// What row-level security shows: who sees other rows has not been where this one has.
    row_security: Option<RowSecurity>,
    /// How the table is spread, where it is cleared as a whole.
    spread: Option<Spread>,
}

#[derive(Debug)]
enum Place {
    Raw(raw::Cursor),
    Sql(sql::Cursor),
    Shards(shards::Cursor),
    Keys(keys::Cursor),
    Finished,
}

/// How a table is spread that is to be cleared as a whole for no other reason.
fn spread_as_a_whole(root: &Relation) -> Option<Spread> {
    match obstacle::of_statement(root) {
        Some(Obstacle::Managed(CITUS)) => table::spread(root),
        _ => None,
    }
}

fn spread(part: &Part<'_>) -> Option<Spread> {
    match part.what {
        What::Whole(_) => spread_as_a_whole(&part.root),
        What::Leaf(_) => None,
    }
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
            row_security: part.row_security().cloned(),
            spread: spread(part),
        }
    }
}

impl Key {
    fn in_words(&self) -> String {
        format!("{self:?}")
    }
}

impl Place {
    fn begin(part: &Part<'_>, key: &Key, bookmark: Option<Bookmark>, slice: &Slice) -> Place {
        let at = bookmark
            .filter(|bookmark| bookmark.of == key.in_words())
            .map(|bookmark| bookmark.at);
        let at = at.as_ref();
        let spread = match key.spread {
            Some(Spread::Single) => match at {
                Some(At::Shards { marks, failures }) => {
                    Some(shards::Cursor::go_on(marks, failures))
                }
                _ => shards::Cursor::begin(&part.root, slice),
            }
            .map(Place::Shards),
            Some(Spread::Replicated) => keys::Cursor::begin(&part.root, at).map(Place::Keys),
            None => None,
        };
        if let Some(place) = spread {
            return place;
        }
        let by_sql = |table: &Relation, leaves: &[Relation]| {
            Place::Sql(match at {
                Some(at) => sql::Cursor::new_at(table, leaves, at),
                None => sql::Cursor::new(table, leaves),
            })
        };
        match &part.what {
            What::Whole(leaves) => by_sql(&part.root, leaves),
            What::Leaf(leaf) => match leaf.method() {
                Method::Nothing => Place::Finished,
                Method::Raw { pass, .. } => Place::Raw(match at {
                    Some(at) => raw::Cursor::new_at(leaf.relation(), part.criterion, pass, at),
                    None => raw::Cursor::new(leaf.relation(), part.criterion, pass),
                }),
                Method::Sql => by_sql(leaf.relation(), core::slice::from_ref(leaf.relation())),
            },
        }
    }
}

impl Cursor {
    /// From where another run has got to.
    pub fn from_bookmark(bookmark: Bookmark) -> Self {
        Cursor {
            begun: None,
            bookmark: Some(bookmark),
        }
    }

    /// Where it has got to, where that can be written down.
    pub fn bookmark(&self) -> Option<Bookmark> {
        let Some((key, place)) = &self.begun else {
            return self.bookmark.clone();
        };
        let at = match place {
            Place::Raw(cursor) => Some(cursor.at()),
            Place::Sql(cursor) => cursor.at(),
            Place::Shards(cursor) => Some(cursor.at()),
            Place::Keys(cursor) => Some(cursor.at()),
            Place::Finished => None,
        };
        at.map(|at| Bookmark {
            of: key.in_words(),
            at,
        })
    }

    /// What was done in other sessions, and on other servers, since it was last asked.
    pub fn take_elsewhere(&mut self) -> shards::Elsewhere {
        match &mut self.begun {
            Some((_, Place::Shards(cursor))) => cursor.take_elsewhere(),
            Some((_, Place::Keys(cursor))) => cursor.take_elsewhere(),
            Some((_, Place::Sql(cursor))) => cursor.take_elsewhere(),
            _ => shards::Elsewhere::default(),
        }
    }

    /// What could not be cleared at all, though the rest goes on.
    pub fn failure(&self) -> Option<Refusal> {
        match &self.begun {
            Some((_, Place::Shards(cursor))) => cursor.failure(),
            _ => None,
        }
    }

    /// False before the first batch.
    pub fn is_finished(&self) -> bool {
        match &self.begun {
            None => false,
            Some((_, Place::Shards(cursor))) => cursor.is_finished(),
            Some((_, Place::Keys(cursor))) => cursor.is_finished(),
            Some((_, Place::Raw(cursor))) => cursor.is_finished(),
            Some((_, Place::Sql(cursor))) => cursor.is_finished(),
            Some((_, Place::Finished)) => true,
        }
    }

    /// No batch has been tried, though a transaction is over: it was for what takes a while beforehand.
    pub fn has_only_begun(&self) -> bool {
        matches!(&self.begun, Some((_, Place::Shards(cursor))) if cursor.has_only_begun())
    }

    /// What the first batch is going to do, where it may take long: one that is SQL's.
    pub fn first_phase(&self, part: &Part<'_>) -> Option<Phase> {
        if self.begun.is_some() {
            return None;
        }
        match &part.what {
            What::Whole(_) if spread(part) == Some(Spread::Single) => Some(Phase::ClearingShards),
            What::Whole(_) => Some(Phase::DeletingBySql),
            What::Leaf(leaf) => {
                matches!(leaf.method(), Method::Sql).then_some(Phase::DeletingBySql)
            }
        }
    }

    /// What it is doing, for the progress view; nothing where there is nothing to do.
    pub fn phase(&self) -> Option<Phase> {
        match &self.begun {
            Some((_, Place::Raw(cursor))) => Some(cursor.phase()),
            Some((_, Place::Sql(_) | Place::Keys(_))) => Some(Phase::DeletingBySql),
            Some((_, Place::Shards(_))) => Some(Phase::ClearingShards),
            Some((_, Place::Finished)) | None => None,
        }
    }

    /// Blocks that have been read, and all, where the rows are found by blocks.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match &self.begun {
            Some((_, Place::Raw(cursor))) => cursor.blocks(),
            Some((_, Place::Sql(cursor))) => cursor.blocks(),
            Some((_, Place::Shards(cursor))) => cursor.blocks(),
            Some((_, Place::Keys(_) | Place::Finished)) | None => None,
        }
    }

    /// The rows that SQL could not delete, and that were left out, since it was last asked.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        match &mut self.begun {
            Some((_, Place::Sql(cursor))) => cursor.take_left_out(),
            Some((_, Place::Keys(cursor))) => cursor.take_left_out(),
            _ => Vec::new(),
        }
    }

    /// Deletes the next batch of what is open: from where the last one ended, or from the beginning. `slice` is for what
    /// other sessions do. Refuses what is wrong with a leaf; then this transaction has to be rolled back, and other leaves
    /// can be cleared in the next.
    pub fn delete(
        &mut self,
        part: &Part<'_>,
        limit: BatchLimit,
        slice: &Slice,
    ) -> Result<Deleted, Refusal> {
        let key = Key::of(part);
        if self.begun.as_ref().is_none_or(|(begun, _)| *begun != key) {
            if part.is_foreign() {
                pg::attempt(pg::is_of_a_table, || part.check_foreign_values()).flatten()?;
            }
            let place = Place::begin(part, &key, self.bookmark.take(), slice);
            self.begun = Some((key, place));
            if self.has_only_begun() {
                return Ok(Deleted::default());
            }
        }
        let Some((_, place)) = &mut self.begun else {
            return Ok(Deleted::default());
        };
        Ok(match (place, &part.what) {
            (Place::Raw(cursor), What::Leaf(leaf)) => match leaf.method() {
                Method::Raw { test, pass } => {
                    cursor.delete(leaf.relation(), *test, pass, limit, &mut |_, _, _| ())
                }
                Method::Sql | Method::Nothing => Deleted::default(),
            },
            (Place::Sql(cursor), what) => {
                let deleted = delete_by_sql(cursor, part, what, limit)?;
                if cursor.has_to_begin_again() {
                    self.begun = None;
                }
                deleted
            }
            (Place::Shards(cursor), _) => cursor.delete(&part.root, part.criterion, slice),
            (Place::Keys(cursor), _) => cursor.delete(&part.root, part.criterion, limit),
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
            let skip_locked = statement::can_skip_locked(&part.root);
            let table = statement::Table::whole(&part.root).reaching(leaves);
            cursor.delete(table, part.criterion, skip_locked, limit)
        }
        What::Leaf(leaf) => {
            let relation = leaf.relation();
            let skip_locked = relation.is_heap() && statement::can_skip_locked(relation);
            let table = statement::Table::only(relation)
                .reaching(&[])
                .below(&part.root);
            cursor.delete(table, part.criterion, skip_locked, limit)
        }
    }
}
