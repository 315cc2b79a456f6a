//! Whose table it is: the columns of a relation against the frameworks' columns.

use super::framework::{ColumnType, FRAMEWORKS, Framework};

/// A column of the relation, dropped ones left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub column_type: ColumnType,
}

/// The outcome. Only `One` is good enough to delete by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    One(&'static Framework),
    None,
    Many(Vec<&'static Framework>),
}

/// Finds the framework whose columns these are, by name and type alone. Columns that it does not know do not matter.
pub fn recognise(columns: &[Column]) -> Recognition {
    let found: Vec<_> = FRAMEWORKS
        .iter()
        .filter(|framework| matches(framework, columns))
        .collect();
    match found[..] {
        [] => Recognition::None,
        [one] => Recognition::One(one),
        _ => Recognition::Many(found),
    }
}

fn matches(framework: &Framework, columns: &[Column]) -> bool {
    framework.columns.iter().all(|(name, expect)| {
        columns
            .iter()
            .any(|column| column.name == *name && expect.accepts(column.column_type))
    })
}

/// Words in the name of a column that says when a row expires, the most telling first. The numbers among the
/// columns are only considered if their name has one of them.
const TELLING: [&str; 8] = [
    "expir",
    "valid_until",
    "not_after",
    "ttl",
    "lifetime",
    "last",
    "access",
    "updated",
];

/// The columns that could say when a row expires, best guess first: what to name when recognition fails.
pub fn candidates(columns: &[Column]) -> Vec<&Column> {
    let mut found: Vec<(usize, &Column)> = columns
        .iter()
        .filter_map(|column| {
            let name = column.name.to_ascii_lowercase();
            let telling = TELLING.iter().position(|word| name.contains(word));
            let rank = match column.column_type {
                ColumnType::TimestampTz | ColumnType::Timestamp | ColumnType::Date => {
                    telling.unwrap_or(TELLING.len())
                }
                ColumnType::Int4 | ColumnType::Int8 | ColumnType::Float8 | ColumnType::Numeric => {
                    telling?
                }
                _ => return None,
            };
            Some((rank, column))
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, column)| column).collect()
}
