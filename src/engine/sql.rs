//! The SQL engine: DELETE through the executor, so that triggers, foreign keys, row security, rules, foreign tables and
//! other access methods mean what they mean.

use super::bookmark::At;
use super::foreign;
use super::kept;
use super::shards::Elsewhere;
use super::statement::{Rows, Table, can_read_places, delete_at_once, look};
use super::tries::Tries;
use crate::pg::{self, BatchLimit, Deleted, LocalSetting, Relation};
use crate::refusal::Refusal;
use crate::table::place::{self, Place, block_after, middle};
use crate::table::{Criterion, managed_by};
use serde::{Deserialize, Serialize};

/// A row that could not be deleted, or seen whether it has expired, and why; or several that a DELETE has kept; or a block
/// that was passed over.
#[derive(Debug, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where it, or the first of them, is; `None` where there are no places.
    pub ctid: Option<String>,
    /// None, where it is a block.
    pub rows: u64,
    pub refusal: Refusal,
}

impl LeftOut {
    /// The one at that place.
    pub fn at(place: Place, refusal: Refusal) -> Self {
        LeftOut {
            ctid: Some(place::in_words(place)),
            rows: 1,
            refusal,
        }
    }

    /// The block that a place is in.
    pub fn block(place: Place, refusal: Refusal) -> Self {
        LeftOut {
            rows: 0,
            ..LeftOut::at(place, refusal)
        }
    }
}

/// Where the SQL engine has got to in a table.
///
/// Heaps are cleared by ranges of places: of one heap, or of all heaps that the statement reaches, at the same time.
/// Anything else knows no places, and is cleared at once.
///
/// A batch that fails is halved until it is one place: the row there is left out, and the others go. Each try is a
/// subtransaction, of which an ERROR takes everything back, so that nothing is counted that is not deleted.
#[derive(Debug)]
pub enum Cursor {
    Blocks {
        next: Place,
        end: u32,
        /// How many blocks to look through next.
        step: u32,
        /// Behind which place the next try ends, at most: the one before has failed.
        bound: Option<Place>,
        tries: Tries,
        /// Code that has run when rows went has changed others, which may be behind by now.
        moved: bool,
        has_left_out: bool,
        /// Places of rows that are known to fail, the last one first.
        failing: Vec<Place>,
        left_out: Vec<LeftOut>,
    },
    /// A table of postgres_fdw.
    Foreign(foreign::Cursor),
    Whole {
        done: bool,
        left_out: Vec<LeftOut>,
    },
}

impl Cursor {
    /// At the beginning; `leaves` are the relations that the statement reaches.
    pub fn new(table: &Relation, leaves: &[Relation]) -> Self {
        let by_places = managed_by(table).is_none()
            && can_read_places(table)
            && leaves.iter().all(Relation::is_heap);
        if by_places {
            Cursor::Blocks {
                next: (0, 0),
                end: leaves.iter().map(Relation::blocks).max().unwrap_or(0),
                step: 1,
                bound: None,
                tries: Tries::default(),
                moved: false,
                has_left_out: false,
                failing: Vec::new(),
                left_out: Vec::new(),
            }
        } else if leaves.len() == 1 && foreign::has_places(table) {
            Cursor::Foreign(foreign::Cursor::default())
        } else {
            Cursor::Whole {
                done: false,
                left_out: Vec::new(),
            }
        }
    }

    /// The same, from where another one has got to.
    pub fn new_at(table: &Relation, leaves: &[Relation], at: &At) -> Self {
        let mut cursor = Cursor::new(table, leaves);
        match (&mut cursor, at) {
            (
                Cursor::Blocks {
                    next,
                    step,
                    bound,
                    tries,
                    moved,
                    ..
                },
                At::Place {
                    next: at,
                    step: by,
                    bound: until,
                    tries: tried,
                    moved: have_moved,
                },
            ) => {
                (*next, *step, *bound, *tries, *moved) =
                    (*at, *by, *until, tried.clone(), *have_moved);
            }
            (Cursor::Foreign(cursor), at) => cursor.go_on_at(at),
            _ => {}
        }
        cursor
    }

    /// Where it has got to, where that can be written down.
    pub fn at(&self) -> Option<At> {
        match self {
            Cursor::Blocks {
                next,
                step,
                bound,
                tries,
                moved,
                ..
            } => Some(At::Place {
                next: *next,
                step: *step,
                bound: *bound,
                tries: tries.clone(),
                moved: *moved,
            }),
            Cursor::Foreign(cursor) => Some(cursor.at()),
            Cursor::Whole { .. } => None,
        }
    }

    /// Whether it gets on by batches; else all is deleted at once.
    pub fn is_in_batches(&self) -> bool {
        !matches!(self, Cursor::Whole { .. })
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Cursor::Blocks { next, end, .. } => next.0 >= *end,
            Cursor::Foreign(cursor) => cursor.is_finished(),
            Cursor::Whole { done, .. } => *done,
        }
    }

    /// Whether it has come to its end, and has to begin again: rows that were changed meanwhile are at other places. Not where rows
    /// were left out, which are an error, and would be met again.
    pub fn has_to_begin_again(&self) -> bool {
        match self {
            Cursor::Blocks {
                moved: true,
                has_left_out: false,
                left_out,
                ..
            } => left_out.is_empty() && self.is_finished(),
            _ => false,
        }
    }

    /// Blocks that have been cleared, and all.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match self {
            Cursor::Blocks { next, end, .. } => Some((next.0, *end)),
            Cursor::Foreign(cursor) => cursor.blocks(),
            Cursor::Whole { .. } => None,
        }
    }

    /// The rows that were left out since it was last asked.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        match self {
            Cursor::Blocks {
                left_out,
                has_left_out,
                ..
            } => {
                *has_left_out |= !left_out.is_empty();
                std::mem::take(left_out)
            }
            Cursor::Whole { left_out, .. } => std::mem::take(left_out),
            Cursor::Foreign(cursor) => cursor.take_left_out(),
        }
    }

    /// What was done on another server since it was last asked.
    pub fn take_elsewhere(&mut self) -> Elsewhere {
        match self {
            Cursor::Foreign(cursor) => cursor.take_elsewhere(),
            Cursor::Blocks { .. } | Cursor::Whole { .. } => Elsewhere::default(),
        }
    }

    /// Deletes the next batch, or finds out a little more of which row it is that fails. Refuses what is wrong with a leaf
    /// that can be cleared only as a whole: then this transaction has to be rolled back.
    pub fn delete(
        &mut self,
        table: Table<'_>,
        criterion: &Criterion,
        skip_locked: bool,
        limit: BatchLimit,
    ) -> Result<Deleted, Refusal> {
        if let Cursor::Foreign(cursor) = self {
            return cursor.delete(table, criterion, limit);
        }
        let Cursor::Blocks {
            next,
            end,
            step,
            bound,
            tries,
            moved,
            failing,
            left_out,
            ..
        } = self
        else {
            let (deleted, kept) = table.delete_whole(criterion)?;
            *self = Cursor::Whole {
                done: true,
                left_out: kept.into_iter().collect(),
            };
            return Ok(deleted);
        };
        // Without it each statement would read the whole table.
        let _setting = LocalSetting::set(&[(c"enable_tidscan", c"on")]);
        // Each try of a part waits, and holds what it has locked.
        let _hurry = bound.and_then(|_| pg::wait_less());
        let _waits = pg::LockWaits::note();
        let from = *next;
        let until = bound.unwrap_or((from.0.saturating_add(*step).min(*end), 0));
        let until = before_failing(failing, from, until);
        // What is wrong with one of several leaves is told, and keeps no other.
        let returned = match table.is_leaf() {
            true => pg::is_of_a_table,
            false => pg::is_of_a_row,
        };
        let updated = || match table.may_put() {
            true => pg::rows_updated(table.relation()),
            false => 0,
        };
        let updated_before = updated();
        // Those of an earlier try, which was of other rows, say nothing of this one.
        kept::take_changed();
        let tried = pg::attempt(returned, || {
            let found = look(table, criterion, (from, until), limit.rows, skip_locked);
            let outcome = match found.rows {
                0 => (Deleted::default(), None),
                _ => delete_at_once(table, criterion, found.to_delete),
            };
            (found, outcome)
        });
        let (found, (mut deleted, kept)) = match tried {
            Ok(tried) => tried,
            Err(refusal) if !pg::is_of_a_row(&refusal) => return Err(refusal),
            Err(refusal) => {
                let changed = kept::take_changed();
                *step = 1;
                // All are in the range, and the next try is a smaller one.
                if !changed.is_empty() && middle(from, until).is_some() {
                    *failing = changed;
                    failing.reverse();
                    *bound = None;
                    return Ok(Deleted::default());
                }
                *bound = middle(from, until);
                if bound.is_none() {
                    tries.found_row();
                    *next = until;
                    let one_row = (from, until);
                    return Ok(leave_out(table, criterion, one_row, refusal, left_out));
                }
                if until <= block_after(from) && tries.pass_over(from.0, *end) {
                    let heaps = heaps_at(table, criterion, (from, until));
                    if heaps.is_none_or(|heaps| !heaps.is_empty()) {
                        left_out.push(LeftOut::block(from, refusal));
                    }
                    *bound = None;
                    *next = block_after(from);
                }
                return Ok(Deleted::default());
            }
        };
        *moved |= deleted.deleted > 0 && updated() > updated_before;
        left_out.extend(kept);
        deleted.skipped += found.skipped;
        // The step follows what there is: the next batch is full, and reads little that it does not take.
        let looked_through = found.last.unwrap_or(until).0 - from.0 + 1;
        *step = match found.last {
            Some(_) => looked_through + looked_through / 8 + 1,
            None if bound.is_some() => *step,
            None => step.saturating_mul(2),
        }
        .clamp(1, limit.blocks);
        *bound = None;
        *next = found.last.unwrap_or(until);
        Ok(deleted)
    }
}

/// Where a try ends before the next place that fails, or behind that.
fn before_failing(failing: &mut Vec<Place>, from: Place, until: Place) -> Place {
    while failing.last().is_some_and(|place| *place < from) {
        failing.pop();
    }
    match failing.last().copied() {
        Some(place) if place == from => until.min((place.0, place.1 + 1)),
        Some(place) => until.min(place),
        None => until,
    }
}

/// The heaps that have a row to delete in a range of places; `None` where that cannot be seen.
fn heaps_at(table: Table<'_>, criterion: &Criterion, places: (Place, Place)) -> Option<Vec<u32>> {
    pg::attempt(pg::is_of_a_row, || table.heaps(criterion, places)).ok()
}

/// Leaves out the row at a place that cannot be deleted. Where several heaps have a row there, each one's is tried alone; where
/// there is none, the statement has failed for another reason, as it does wherever there are some.
fn leave_out(
    table: Table<'_>,
    criterion: &Criterion,
    (from, until): (Place, Place),
    refusal: Refusal,
    left_out: &mut Vec<LeftOut>,
) -> Deleted {
    let mut deleted = Deleted::default();
    let heaps = match heaps_at(table, criterion, (from, until)) {
        Some(heaps) if heaps.is_empty() => return deleted,
        Some(heaps) if heaps.len() > 1 => heaps,
        _ => {
            left_out.push(LeftOut::at(from, refusal));
            return deleted;
        }
    };
    for heap in heaps {
        let tried = pg::attempt(pg::is_of_a_row, || {
            delete_at_once(table.in_heap(heap), criterion, Rows::all(from, until))
        });
        match tried {
            Ok((of_heap, kept)) => {
                deleted += of_heap;
                left_out.extend(kept);
            }
            Err(refusal) => left_out.push(LeftOut::at(from, refusal)),
        }
    }
    deleted
}
