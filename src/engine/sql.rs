//! The SQL engine: DELETE through the executor, so that triggers, foreign keys, row security, rules, foreign tables and
//! other access methods mean what they mean.

use crate::pg::{self, BatchLimit, Deleted, Privilege, Relation, TABLE_ALIAS};
use crate::target::Criterion;

/// Clears `table`, a qualified name or `ONLY` and one, in one statement.
///
/// As SQL does at READ COMMITTED, this waits for a row that another transaction is changing, and looks at what became
/// of it before it deletes.
pub fn delete(table: &str, criterion: &Criterion) -> Deleted {
    let (condition, arguments) = criterion.condition();
    Deleted {
        deleted: pg::modify(
            &format!("DELETE FROM {table} AS {TABLE_ALIAS} WHERE {condition}"),
            &arguments,
        ),
        skipped: 0,
    }
}

/// Where the SQL engine has got to in a table.
///
/// Heaps are cleared by ranges of blocks: of one heap, or of all heaps that the statement reaches, at the same time.
/// Anything else knows no blocks, and is cleared at once.
#[derive(Debug)]
pub enum Cursor {
    Blocks { next: u32, end: u32, step: u32 },
    Whole { done: bool },
}

impl Cursor {
    /// At the beginning; `heaps` are the relations that the statement reaches, if all of them are heaps.
    pub fn new(heaps: Option<&[Relation]>) -> Self {
        match heaps {
            Some(heaps) => Cursor::Blocks {
                next: 0,
                end: heaps.iter().map(Relation::blocks).max().unwrap_or(0),
                step: 1,
            },
            None => Cursor::Whole { done: false },
        }
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Cursor::Blocks { next, end, .. } => next >= end,
            Cursor::Whole { done } => *done,
        }
    }

    /// Blocks that have been cleared, and all.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match self {
            Cursor::Blocks { next, end, .. } => Some((*next, *end)),
            Cursor::Whole { .. } => None,
        }
    }

    /// Deletes the next batch from `table`, a qualified name or `ONLY` and one.
    pub fn delete(
        &mut self,
        table: &str,
        criterion: &Criterion,
        skip_locked: bool,
        limit: BatchLimit,
    ) -> Deleted {
        let Cursor::Blocks { next, end, step } = self else {
            *self = Cursor::Whole { done: true };
            return delete(table, criterion);
        };
        let until = next.saturating_add(*step).min(*end);
        let deleted = delete_blocks(table, criterion, skip_locked, *next, until);
        *next = until;
        *step = next_step(*step, deleted, limit);
        Deleted {
            deleted,
            skipped: 0,
        }
    }
}

/// So many blocks that the next batch is about as large as it should be.
fn next_step(step: u32, deleted: u64, limit: BatchLimit) -> u32 {
    let step = if deleted > limit.rows {
        step / 2
    } else if deleted <= limit.rows / 2 {
        step.saturating_mul(2)
    } else {
        step
    };
    step.clamp(1, limit.blocks)
}

/// Deletes what has expired in a range of blocks; with `skip_locked`, without waiting for a row that somebody else is
/// changing.
fn delete_blocks(
    table: &str,
    criterion: &Criterion,
    skip_locked: bool,
    from: u32,
    until: u32,
) -> u64 {
    let (condition, arguments) = criterion.condition();
    let range = format!(
        "{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.>=) '({from},0)' \
         AND {TABLE_ALIAS}.ctid OPERATOR(pg_catalog.<) '({until},0)' AND {condition}"
    );
    let condition = if skip_locked {
        format!(
            "{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(\
             SELECT {TABLE_ALIAS}.ctid FROM {table} AS {TABLE_ALIAS} WHERE {range} FOR UPDATE SKIP LOCKED))"
        )
    } else {
        range
    };
    pg::modify(
        &format!("DELETE FROM {table} AS {TABLE_ALIAS} WHERE {condition}"),
        &arguments,
    )
}

/// Whether rows can be locked before they are deleted, to skip those that somebody else is changing: it takes the
/// privilege UPDATE, and row security would ask its policies for updates.
pub fn can_skip_locked(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Update) && !pg::row_security_applies(relation)
}
