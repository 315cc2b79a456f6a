//! How many rows a table has and how many of them have expired, by reading it or a sample of its blocks.

use super::{Checked, Criterion};
use crate::pg::{self, LockMode, Relation, TABLE_ALIAS};
use crate::refusal::enough;
use logic::kind::Kind;
use pgrx::pg_sys;
use std::collections::HashMap;

/// How many blocks a sample reads, about: 2 MB, so that a small table is read as a whole.
const SAMPLE: f64 = 256.0;

/// What has been read of a table, or of a leaf.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub all: f64,
    pub expired: f64,
    /// Those that have expired or will: their value is an instant, and they meet the filter.
    pub mortal: f64,
    /// Those that stay because their time lies before 2000; they meet the filter.
    pub too_early: f64,
}

/// The whole, and each leaf that has a row, if these were told apart.
#[derive(Debug, Default)]
pub struct Counts {
    pub total: Count,
    pub leaves: HashMap<pg_sys::Oid, Count>,
    /// The instant at which the first expired row expired.
    pub oldest: Option<String>,
}

/// The fraction of a table's blocks that a sample reads; `None` where rows are not in heaps.
pub fn sample_fraction(table: &Checked) -> Option<f64> {
    let leaves = pg::leaves(table.root(), LockMode::AccessShare);
    if !leaves.iter().all(Relation::is_heap) {
        return None;
    }
    let blocks = super::size(table.root()).blocks;
    Some((SAMPLE / blocks.max(1.0)).min(1.0))
}

/// Reads the whole table once, or of each heap about that fraction of its blocks.
pub fn count(table: &Checked, fraction: Option<f64>, by_leaf: bool) -> Counts {
    let criterion = table.criterion();
    let (condition, arguments) = criterion.condition();
    let mortal = criterion.can_expire() + &criterion.and_filter();
    let too_early = criterion.is_too_early() + &criterion.and_filter();
    let least = format!(
        "pg_catalog.min({}) FILTER (WHERE {condition})",
        criterion.sql
    );
    let least = instant(criterion, &least);
    let sample = fraction.map_or(String::new(), |fraction| {
        format!(" TABLESAMPLE SYSTEM ({})", 100.0 * fraction)
    });
    let (leaf, group) = if by_leaf {
        let leaf = format!("{TABLE_ALIAS}.tableoid");
        let group = format!(" GROUP BY GROUPING SETS (({leaf}), ())");
        (leaf, group)
    } else {
        ("NULL".to_owned(), String::new())
    };
    let statement = |name: &str| {
        format!(
            "SELECT {leaf}, pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE {condition}), \
             pg_catalog.count(*) FILTER (WHERE {mortal}), pg_catalog.count(*) FILTER (WHERE {too_early}), \
             {least} FROM {name} AS {TABLE_ALIAS}{sample}{group}"
        )
    };
    let mut counts = Counts::default();
    let _apart = super::read_apart();
    for (oid, all, expired, mortal, too_early, oldest) in
        pg::query_on(table.root(), statement, &arguments)
    {
        let count = Count {
            all,
            expired,
            mortal,
            too_early,
        };
        match oid {
            Some(oid) => {
                let room = counts.leaves.try_reserve(1);
                enough(room).unwrap_or_else(|refusal| refusal.raise());
                counts.leaves.insert(oid, count);
            }
            None => (counts.total, counts.oldest) = (count, oldest),
        }
    }
    counts
}

/// The first instant among the expired rows: quick with an index on it.
pub fn oldest_expired(table: &Checked) -> Option<String> {
    let criterion = table.criterion();
    let (condition, arguments) = criterion.condition();
    let least = instant(criterion, &format!("pg_catalog.min({})", criterion.sql));
    let statement =
        |name: &str| format!("SELECT {least} FROM {name} AS {TABLE_ALIAS} WHERE {condition}");
    let _apart = super::read_apart();
    let rows = pg::query_on(table.root(), statement, &arguments);
    rows.into_iter().next()?
}

/// A value of the criterion's kind as an instant, in SQL.
pub(super) fn instant(criterion: &Criterion, value: &str) -> String {
    let instant = match (criterion.kind, criterion.unit, &criterion.zone) {
        (Kind::TimestampTz, _, _) => value.to_owned(),
        (_, Some(unit), _) => format!(
            "pg_catalog.to_timestamp(({value})::pg_catalog.float8 / {})",
            1_000_000 / unit.microseconds()
        ),
        (_, _, Some(zone)) => format!(
            "pg_catalog.timezone({}, ({value})::pg_catalog.timestamp)",
            pgrx::spi::quote_literal(zone.name())
        ),
        _ => unreachable!("a kind has what it needs: a unit, a zone or neither"),
    };
    format!("pg_catalog.to_json({instant}) #>> '{{}}'")
}
