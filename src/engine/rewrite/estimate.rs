//! How much of a table has expired, before it is decided how to clear it.

use crate::pg::{self, LockMode, Relation, TABLE_ALIAS};
use crate::target::{Criterion, estimate_all, estimate_expired};

/// How many blocks a sample reads, about: 2 MB, so that a small table is read as a whole.
const SAMPLE: f64 = 256.0;

/// The fraction of the table's rows that has expired, from 0 to 1, by a sample of its blocks: the planner's statistics
/// may be missing, or as old as the last session. By its statistics only where rows are not in heaps.
pub fn expired_fraction(relation: &Relation, criterion: &Criterion) -> f64 {
    let leaves = pg::leaves(relation, LockMode::AccessShare);
    if leaves.iter().all(Relation::is_heap) {
        let blocks: f64 = leaves.iter().map(|leaf| f64::from(leaf.blocks())).sum();
        if let Some(fraction) = sample(relation, criterion, blocks) {
            return fraction;
        }
    }
    let all = estimate_all(relation, criterion).rows;
    let expired = estimate_expired(relation, criterion).rows;
    if all > 0.0 {
        (expired / all).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// `None` where the sample has no rows.
fn sample(relation: &Relation, criterion: &Criterion, blocks: f64) -> Option<f64> {
    let percent = (100.0 * SAMPLE / blocks.max(1.0)).min(100.0);
    let (condition, arguments) = criterion.condition();
    let rows = pg::query(
        &format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE {condition}), pg_catalog.count(*) \
             FROM {} AS {TABLE_ALIAS} TABLESAMPLE SYSTEM ({percent})",
            relation.qualified_name()
        ),
        &arguments,
    );
    let mut counts = rows
        .first()?
        .iter()
        .map(|text| text.as_deref().and_then(|text| text.parse::<f64>().ok()));
    let (expired, all) = (counts.next()??, counts.next()??);
    (all > 0.0).then(|| expired / all)
}
