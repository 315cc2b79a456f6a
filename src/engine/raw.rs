//! The raw engine: finds expired rows in the heap or through an index, and calls the storage layer's delete on each.

use crate::pg::{BatchLimit, Deleted, ExpiryTest, HeapCursor, IndexCursor, Relation};
use crate::target::{Criterion, Pass};

/// Where the raw engine has got to in a leaf.
#[derive(Debug)]
pub enum Cursor {
    Heap(HeapCursor),
    Index(IndexCursor),
}

impl Cursor {
    /// At the beginning of a pass.
    pub fn new(leaf: &Relation, criterion: &Criterion, pass: &Pass) -> Self {
        match pass {
            Pass::Heap => Cursor::Heap(HeapCursor::new(leaf)),
            Pass::Index(_) => Cursor::Index(IndexCursor::new(criterion.base_type, criterion.range)),
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

    /// Deletes the next batch. Never waits for a row lock.
    pub fn delete(
        &mut self,
        leaf: &Relation,
        test: ExpiryTest,
        pass: &Pass,
        limit: BatchLimit,
    ) -> Deleted {
        match (&mut *self, pass) {
            (Cursor::Heap(cursor), _) => cursor.delete(leaf, test, limit),
            (Cursor::Index(cursor), Pass::Index(index)) if !cursor.is_stuck() => {
                cursor.delete(leaf, index, test, limit)
            }
            // The index leads no further, or is no longer there to lead.
            (Cursor::Index(_), _) => {
                let mut cursor = HeapCursor::new(leaf);
                let deleted = cursor.delete(leaf, test, limit);
                *self = Cursor::Heap(cursor);
                deleted
            }
        }
    }
}

/// Clears one leaf.
pub fn delete(leaf: &Relation, criterion: &Criterion, test: ExpiryTest, pass: &Pass) -> Deleted {
    let mut cursor = Cursor::new(leaf, criterion, pass);
    let mut outcome = Deleted::default();
    while !cursor.is_finished() {
        outcome += cursor.delete(leaf, test, pass, BatchLimit::NONE);
    }
    outcome
}
