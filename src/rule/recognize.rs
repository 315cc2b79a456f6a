//! Whose table it is: the columns of a relation against the frameworks' columns.

use super::framework::{ColumnType, FRAMEWORKS, Framework};

/// A column of the relation, dropped ones left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the catalog has it, case and all.
    pub name: String,
    /// The type, a domain's base type.
    pub column_type: ColumnType,
}

/// The outcome. Only `One` is good enough to delete by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// The table is this framework's.
    One(&'static Framework),
    /// No framework makes such a table.
    None,
    /// It has the columns of several.
    Many(Vec<&'static Framework>),
}

/// Finds the framework whose columns these are, by name and type alone. Further columns do not matter, save where a
/// framework says so.
pub fn recognize(columns: &[Column]) -> Recognition {
    let found: Vec<_> = FRAMEWORKS
        .iter()
        .filter(|framework| has_columns_of(framework, columns))
        .collect();
    match found[..] {
        [] => Recognition::None,
        // Only now, so that a table that could be two frameworks' is never taken for one of them.
        [one] if one.exact && columns.len() > one.columns.len() => Recognition::None,
        [one] => Recognition::One(one),
        _ => Recognition::Many(found),
    }
}

fn has_columns_of(framework: &Framework, columns: &[Column]) -> bool {
    framework.columns.iter().all(|(name, expect)| {
        columns
            .iter()
            .any(|column| column.name == *name && expect.accepts(column.column_type))
    })
}

/// What the names of columns have in common that say when a row expires, the most telling first. Case and underscores
/// are left out, because some write `expires_at` and some `expiresAt`.
const TELLING: [&str; 14] = [
    "expir", "until", "validto", "notafter", "last", "activ", "access", "refresh", "seen",
    "updated", "modified", "time", "created", "inserted",
];

/// The columns that could say when a row expires, best guess first: what to name when recognition fails. Numbers are
/// among them only if their name is telling.
pub fn candidates(columns: &[Column]) -> Vec<&Column> {
    let mut found: Vec<(usize, &Column)> = columns
        .iter()
        .filter_map(|column| Some((rank(column)?, column)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, column)| column).collect()
}

fn rank(column: &Column) -> Option<usize> {
    let name = column.name.to_lowercase().replace('_', "");
    let telling = TELLING.iter().position(|word| name.contains(word));
    match column.column_type {
        ColumnType::TimestampTz | ColumnType::Timestamp | ColumnType::Date => {
            Some(telling.unwrap_or(TELLING.len()))
        }
        ColumnType::Int4 | ColumnType::Int8 | ColumnType::Float8 | ColumnType::Numeric => telling,
        _ => None,
    }
}
