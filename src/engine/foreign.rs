//! Tables of postgres_fdw, in batches: by ranges of the places that the rows have in the table on the other server. Conditions
//! on ctid are sent on, so that the other server reads no more than that range.
//!
//! What is deleted in one transaction here is deleted in one there, at REPEATABLE READ: a row that somebody has changed
//! since it began, or is changing for longer than the other server's lock_timeout, ends it. So such a batch is tried again in
//! the next transaction, which sees the row as it is then, and halved each time; a row that is alone in the end is skipped.

use super::bookmark::At;
use super::kept;
use super::shards::Elsewhere;
use super::sql::LeftOut;
use super::statement::{Table, look};
use super::tries::Tries;
use crate::pg::{self, BatchLimit, Deleted, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::Criterion;
use crate::table::place::{self, Place, block_after, middle, place_after, range};
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};

/// Where a clearing has got to in the table on the other server.
#[derive(Debug, Default)]
pub struct Cursor {
    at: Position,
    left_out: Vec<LeftOut>,
    finished: bool,
    cost: u64,
}

/// The same, as far as it is written down, with what this pass has come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    next: Place,
    /// Behind the last expired row; `None` where that is still to be asked.
    end: Option<Place>,
    /// How many blocks to look through next.
    step: u32,
    /// Behind which place the next try ends, at most: the one before has failed.
    bound: Option<Place>,
    /// What this pass has deleted.
    deleted: u64,
    /// This pass has left rows alone.
    incomplete: bool,
    tries: Tries,
}

/// Whether that can be cleared so. It takes the right to read where a row is.
pub fn has_places(table: &Relation) -> bool {
    pg::is_of_postgres_fdw(table) && pg::has_privilege(table, pg::Privilege::Select)
}

impl Cursor {
    /// Where it has got to.
    pub fn at(&self) -> At {
        At::Foreign(self.at.clone())
    }

    /// From where another one has got to.
    pub fn go_on_at(&mut self, at: &At) {
        if let At::Foreign(at) = at.clone() {
            *self = Cursor {
                at,
                ..Cursor::default()
            };
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Blocks that have been looked through, and all, as far as expired rows lie in them.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        let end = self.at.end?;
        Some((self.at.next.0, end.0.saturating_add(1)))
    }

    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// What the last batch has cost the other server, about, in the currency of the pace.
    pub fn take_elsewhere(&mut self) -> Elsewhere {
        Elsewhere {
            batches: 0,
            cost: std::mem::take(&mut self.cost),
        }
    }

    /// Deletes the next batch, or finds out a little more of which row cannot be deleted. Refuses what is wrong with a leaf;
    /// what is wrong with a table that is on its own is its ERROR.
    pub fn delete(
        &mut self,
        table: Table<'_>,
        criterion: &Criterion,
        limit: BatchLimit,
    ) -> Result<Deleted, Refusal> {
        let end = match self.at.end {
            Some(end) => end,
            None => match find_end(table, criterion) {
                Ok(Some(end)) => *self.at.end.insert(end),
                Ok(None) => {
                    self.finished = true;
                    return Ok(Deleted::default());
                }
                Err(refusal) if has_no_places(&refusal) => {
                    let (deleted, kept) = table.delete_whole(criterion)?;
                    self.finished = true;
                    self.left_out.extend(kept);
                    return Ok(deleted);
                }
                Err(refusal) => return Err(refusal),
            },
        };
        let from = self.at.next;
        let step = self.at.step.clamp(1, limit.blocks);
        let until = self.at.bound.unwrap_or((from.0.saturating_add(step), 0));
        let until = until.min(end);
        let returned = match table.is_leaf() {
            true => pg::is_of_a_table,
            false => is_of_some_rows,
        };
        let tried = pg::attempt(returned, || {
            let found = look(table, criterion, (from, until), limit.rows, false);
            let until = found.last.unwrap_or(until);
            let deleted = match found.rows {
                0 => 0,
                _ => table.delete(criterion, &range(from, until)).deleted,
            };
            // Nobody else can have changed one in between: it would be a conflict.
            let kept = (deleted < found.rows)
                .then(|| look(table, criterion, (from, until), 1, false))
                .filter(|kept| kept.rows > 0);
            (
                deleted,
                until,
                kept.map(|kept| (kept, found.rows - deleted)),
            )
        });
        match tried {
            Ok((deleted, until, kept)) => {
                if let Some((first, rows)) = kept {
                    self.at.incomplete = true;
                    let ctid = first
                        .last
                        .map(|(block, next)| place::in_words((block, next - 1)));
                    self.left_out
                        .push(kept::left_out(table.relation(), ctid, rows));
                }
                Ok(self.advance(deleted, until, end, step, limit))
            }
            Err(refusal) if is_of_some_rows(&refusal) => Ok(self.halve(until, end, step, refusal)),
            Err(refusal) => Err(refusal),
        }
    }

    /// After a try that has deleted so many rows, up to a place.
    fn advance(
        &mut self,
        deleted: u64,
        until: Place,
        end: Place,
        step: u32,
        limit: BatchLimit,
    ) -> Deleted {
        let read = u64::from(until.0.saturating_sub(self.at.next.0)) + 1;
        self.cost = pg::cost_of_pages(read, read.min(deleted));
        self.at.step = match deleted {
            _ if self.at.bound.is_some() => step,
            few if few <= limit.rows / 2 => step.saturating_mul(2),
            many if many >= limit.rows => step / 2,
            _ => step,
        };
        self.at.bound = None;
        self.at.next = until;
        self.at.deleted += deleted;
        if until >= end {
            self.end_pass();
        }
        Deleted {
            deleted,
            skipped: 0,
        }
    }

    /// The table there may have been written anew meanwhile, with its rows at other places: what has deleted rows looks
    /// once more from the beginning whether any are left.
    fn end_pass(&mut self) {
        if self.at.deleted == 0 || self.at.incomplete {
            self.finished = true;
            return;
        }
        self.at = Position {
            tries: std::mem::take(&mut self.at.tries),
            step: self.at.step,
            ..Position::default()
        };
    }

    /// After a try that has failed for some of its rows.
    fn halve(&mut self, until: Place, end: Place, step: u32, refusal: Refusal) -> Deleted {
        let from = self.at.next;
        self.at.step = step / 2;
        self.at.bound = middle(from, until);
        let skipped = is_conflict(&refusal);
        let passes_over = self.at.bound.is_some()
            && !skipped
            && until <= block_after(from)
            && self.at.tries.pass_over(from.0, end.0.saturating_add(1));
        if self.at.bound.is_some() && !passes_over {
            return Deleted::default();
        }
        self.at.incomplete = true;
        if passes_over {
            self.at.bound = None;
            self.at.next = block_after(from);
            self.left_out.push(LeftOut::block(from, refusal));
        } else {
            self.at.next = until;
            if !skipped {
                self.at.tries.found_row();
                self.left_out.push(LeftOut::at(from, refusal));
            }
        }
        let until = self.at.next;
        if until >= end {
            self.end_pass();
        }
        Deleted {
            deleted: 0,
            skipped: skipped.into(),
        }
    }
}

/// Whether somebody else is changing a row, or has changed it.
fn is_conflict(error: &Refusal) -> bool {
    matches!(
        error.sqlstate(),
        PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE
            | PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED
            | PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
    )
}

fn is_of_some_rows(error: &Refusal) -> bool {
    is_conflict(error) || pg::is_of_a_row(error)
}

/// The place behind the last expired row, if there are any. Refuses also where the table there has no places.
fn find_end(table: Table<'_>, criterion: &Criterion) -> Result<Option<Place>, Refusal> {
    let (condition, arguments) = criterion.condition();
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "SELECT {TABLE_ALIAS}.ctid FROM {table} WHERE {condition} ORDER BY {TABLE_ALIAS}.ctid DESC LIMIT 1"
        )
    };
    let returned = match table.is_leaf() {
        true => pg::is_of_a_table,
        false => has_no_places,
    };
    let found = pg::attempt(returned, || {
        pg::query_on(table.relation(), statement, &arguments)
    })?;
    let last: Option<String> = found.into_iter().next();
    Ok(last.as_deref().and_then(place_after))
}

/// A view, for one, has none.
fn has_no_places(error: &Refusal) -> bool {
    error.sqlstate() == PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN
        || error.sqlstate() == PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED
}
