//! The raw engine: finds expired rows in the heap or through an index, and calls the storage layer's delete on each.

use super::bookmark::At;
use crate::pg::{BatchLimit, Deleted, ExpiryTest, HeapCursor, IndexCursor, Relation};
use crate::progress::{Phase, Tally};
use crate::table::{Criterion, Pass};

/// Where the raw engine has got to in a leaf.
#[derive(Debug)]
pub enum Cursor {
    Heap(HeapCursor),
    Index(IndexCursor),
}

/// Hears, now and then during one deletion, in which phase it is, how many blocks have been read, and all, where that is
/// known, and what this deletion has come to so far.
pub type Observe<'a> = &'a mut dyn FnMut(Phase, Option<(u32, u32)>, Deleted);

impl Cursor {
    /// At the beginning of a pass.
    pub fn new(leaf: &Relation, criterion: &Criterion, pass: &Pass) -> Self {
        match pass {
            Pass::Heap => Cursor::Heap(HeapCursor::new(leaf)),
            Pass::Index(_) => Cursor::Index(IndexCursor::new(criterion.base_type, criterion.range)),
        }
    }

    /// The same, from where another one has got to.
    pub fn new_at(leaf: &Relation, criterion: &Criterion, pass: &Pass, at: &At) -> Self {
        match (at, pass) {
            (At::Block(block), _) => Cursor::Heap(HeapCursor::from_block(leaf, *block)),
            (At::Value(value), Pass::Index(_)) => Cursor::Index(IndexCursor::from_value(
                criterion.base_type,
                criterion.range,
                *value,
            )),
            _ => Cursor::new(leaf, criterion, pass),
        }
    }

    /// Where it has got to.
    pub fn at(&self) -> At {
        match self {
            Cursor::Heap(cursor) => At::Block(cursor.blocks().0),
            Cursor::Index(cursor) => At::Value(cursor.value()),
        }
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Cursor::Heap(cursor) => cursor.is_finished(),
            Cursor::Index(cursor) => cursor.is_finished(),
        }
    }

    /// Blocks that have been read, and all: known to a pass over the heap.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match self {
            Cursor::Heap(cursor) => Some(cursor.blocks()),
            Cursor::Index(_) => None,
        }
    }

    pub fn phase(&self) -> Phase {
        match self {
            Cursor::Heap(_) => Phase::ScanningHeap,
            Cursor::Index(_) => Phase::ScanningIndex,
        }
    }

    /// Deletes the next batch. Never waits for a row lock.
    pub fn delete(
        &mut self,
        leaf: &Relation,
        test: ExpiryTest,
        pass: &Pass,
        limit: BatchLimit,
        observe: Observe<'_>,
    ) -> Deleted {
        let mut heap = |cursor: &mut HeapCursor| {
            cursor.delete(leaf, test, limit, |blocks, deleted| {
                observe(Phase::ScanningHeap, Some(blocks), deleted);
            })
        };
        match (&mut *self, pass) {
            (Cursor::Heap(cursor), _) => heap(cursor),
            (Cursor::Index(cursor), Pass::Index(index)) if !cursor.is_stuck() => {
                cursor.delete(leaf, index, test, limit, |deleted| {
                    observe(Phase::ScanningIndex, None, deleted);
                })
            }
            // The index leads no further, or is no longer there to lead.
            (Cursor::Index(_), _) => {
                let mut cursor = HeapCursor::new(leaf);
                let deleted = heap(&mut cursor);
                *self = Cursor::Heap(cursor);
                deleted
            }
        }
    }
}

/// Clears one leaf, and adds it up.
pub fn delete(
    leaf: &Relation,
    criterion: &Criterion,
    test: ExpiryTest,
    pass: &Pass,
    tally: &mut Tally,
) -> Deleted {
    let mut cursor = Cursor::new(leaf, criterion, pass);
    let mut outcome = Deleted::default();
    tally.in_leaf(leaf.oid(), cursor.phase(), cursor.blocks());
    tally.show();
    while !cursor.is_finished() {
        let mut told = Deleted::default();
        outcome += cursor.delete(
            leaf,
            test,
            pass,
            BatchLimit::NONE,
            &mut |phase, blocks, deleted| {
                tally.in_leaf(leaf.oid(), phase, blocks);
                tally.add(
                    deleted.deleted - told.deleted,
                    deleted.skipped - told.skipped,
                );
                told = deleted;
                tally.show();
            },
        );
    }
    outcome
}
