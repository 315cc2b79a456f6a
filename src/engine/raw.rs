//! The raw engine: finds expired rows in the heap or through an index, and calls the storage layer's delete on each.

use crate::pg::{self, Deleted, ExpiryTest, Relation};
use crate::target::{Criterion, Pass};

/// Clears one leaf. Never waits for a row lock.
pub fn delete(leaf: &Relation, criterion: &Criterion, test: ExpiryTest, pass: &Pass) -> Deleted {
    match pass {
        Pass::Heap => pg::delete_in_heap(leaf, test),
        Pass::Index(index) => {
            pg::delete_through_index(leaf, index, criterion.base_type, criterion.range, test)
        }
    }
}
