//! The SQL engine: DELETE through the executor, so that triggers, foreign keys, row security, rules, foreign tables and
//! other access methods mean what they mean.

use crate::pg::{self, Deleted, TABLE_ALIAS};
use crate::target::Criterion;

/// Clears `table`: a qualified name, or `ONLY` and one.
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
