//! How much of a table has expired: before it is decided how to clear it, and after a run that was not to clear it all.

use crate::pg::{self, LockMode, Relation, TABLE_ALIAS};
use crate::target::{Checked, estimate_all, estimate_expired};

/// How many blocks a sample reads, about: 2 MB, so that a small table is read as a whole.
const SAMPLE: f64 = 256.0;

/// What a sample of a table's blocks has.
struct Sample {
    expired: f64,
    all: f64,
    /// Of the table's blocks.
    fraction: f64,
}

/// The fraction of the table's rows that has expired, from 0 to 1, by a sample of its blocks: the planner's statistics
/// may be missing, or as old as the last session. By its statistics only where rows are not in heaps.
pub fn expired_fraction(table: &Checked) -> f64 {
    if let Some(sample) = sample(table)
        && sample.all > 0.0
    {
        return sample.expired / sample.all;
    }
    let all = estimate_all(table).rows;
    let expired = estimate_expired(table).rows;
    if all > 0.0 {
        (expired / all).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// How many of the table's rows have expired, about; in a small table exactly so. Where rows are not in heaps, the
/// planner's estimate.
pub fn expired_rows(table: &Checked) -> f64 {
    match sample(table) {
        Some(sample) => (sample.expired / sample.fraction).round(),
        None => estimate_expired(table).rows,
    }
}

/// `None` where rows are not in heaps.
fn sample(table: &Checked) -> Option<Sample> {
    let leaves = pg::leaves(table.root(), LockMode::AccessShare);
    if !leaves.iter().all(Relation::is_heap) {
        return None;
    }
    let blocks: f64 = leaves.iter().map(|leaf| f64::from(leaf.blocks())).sum();
    let fraction = (SAMPLE / blocks.max(1.0)).min(1.0);
    let (condition, arguments) = table.criterion().condition();
    let statement = |name: &str| {
        format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE {condition}), pg_catalog.count(*) \
             FROM {name} AS {TABLE_ALIAS} TABLESAMPLE SYSTEM ({})",
            100.0 * fraction
        )
    };
    let rows = pg::query_on(table.root(), statement, &arguments);
    let mut counts = rows
        .first()?
        .iter()
        .map(|text| text.as_deref().and_then(|text| text.parse::<f64>().ok()));
    Some(Sample {
        expired: counts.next()??,
        all: counts.next()??,
        fraction,
    })
}
