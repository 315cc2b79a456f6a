//! How much of a table has expired: before it is decided how to clear it, and after a run that was not to clear it all.
//!
//! By a sample of its blocks: the planner's statistics may be missing, or as old as the last session. By these only where
//! rows are not in heaps.

use crate::table::{Checked, count, estimate_all, estimate_expired, sample_fraction};

/// The fraction of the table's rows that has expired, from 0 to 1.
pub fn expired_fraction(table: &Checked) -> f64 {
    let sample = sample_fraction(table).map(|fraction| count(table, Some(fraction), false).total);
    let (expired, all) = match sample.filter(|sample| sample.all > 0.0) {
        Some(sample) => (sample.expired, sample.all),
        None => (estimate_expired(table).rows, estimate_all(table).rows),
    };
    if all > 0.0 {
        (expired / all).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// How many of the table's rows have expired, about; in a small table exactly so.
pub fn expired_rows(table: &Checked) -> f64 {
    match sample_fraction(table) {
        Some(fraction) => (count(table, Some(fraction), false).total.expired / fraction).round(),
        None => estimate_expired(table).rows,
    }
}
