//! Whose table it is: the columns of a relation against the frameworks' columns.

use crate::framework::{ColumnType, Framework, Further, frameworks};
use crate::meaning::{Meaning, meaning};
use crate::table_name::is_kept;

/// A column of the relation, dropped ones left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the catalog has it, case and all.
    pub name: String,
    /// The type, a domain's base type.
    pub column_type: ColumnType,
    /// An INSERT has to give it a value: NOT NULL, and nothing that would fill it in.
    pub required: bool,
}

/// The outcome. Only `One` is good enough to delete by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// The table is this framework's.
    One(&'static Framework),
    /// It could be this framework's, but need not be.
    Unsure(&'static Framework, Doubt),
    /// No framework makes such a table.
    None,
    /// It has the columns of several.
    Many(Vec<&'static Framework>),
}

/// Why a table with all columns of a framework need not be its session table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Other things have such columns as well, and its name does not say what it holds.
    Common,
    /// It has columns that the framework does not know, and its name does not say what it holds.
    Further,
    /// Its name says that it holds what is over: an archive, a backup, a history.
    Kept,
}

impl Doubt {
    /// What is said of it to the caller, after "it could be the table of …, but".
    pub fn reason(self) -> &'static str {
        match self {
            Doubt::Common => {
                "other tables have such columns, and its name does not say what it holds"
            }
            Doubt::Further => "it has other columns, too, and its name does not say what it holds",
            Doubt::Kept => "its name says that its rows are kept",
        }
    }
}

/// How well a table fits a framework whose columns it has.
enum Fit {
    Sure,
    Unsure(Doubt),
    Not,
}

/// Finds the framework whose columns these are.
pub fn recognize(table: &str, columns: &[Column]) -> Recognition {
    let having: Vec<_> = frameworks()
        .filter(|framework| framework.has_columns(columns))
        .collect();
    // One whose columns are all among another's may only seem to be there. Nobody else's may.
    let telling: Vec<_> = having
        .iter()
        .filter(|one| !having.iter().any(|other| is_part_of(one, other)))
        .copied()
        .collect();
    match telling[..] {
        [] => Recognition::None,
        [one] => match fit(one, table, columns) {
            Fit::Sure => Recognition::One(one),
            Fit::Unsure(doubt) => Recognition::Unsure(one, doubt),
            Fit::Not => Recognition::None,
        },
        _ => Recognition::Many(telling),
    }
}

/// Whether another framework has all of one's columns, and more.
fn is_part_of(one: &Framework, other: &Framework) -> bool {
    let has_all = |one: &Framework, other: &Framework| {
        let mut names = one.columns.iter().map(|(name, _)| name);
        names.all(|name| {
            let mut known = other.columns.iter().chain(other.also);
            known.any(|(known, _)| known == name)
        })
    };
    has_all(one, other) && !has_all(other, one)
}

fn fit(framework: &Framework, table: &str, columns: &[Column]) -> Fit {
    let unknown: Vec<_> = columns
        .iter()
        .filter(|column| !framework.knows(&column.name, column.column_type))
        .collect();
    let any_required = unknown.iter().any(|column| column.required);
    match framework.further {
        Further::None if !unknown.is_empty() => Fit::Not,
        Further::Optional if any_required => Fit::Not,
        _ if is_kept(table) => Fit::Unsure(Doubt::Kept),
        _ if framework.is_surely_named(table) => Fit::Sure,
        _ if framework.common => Fit::Unsure(Doubt::Common),
        _ if !unknown.is_empty() => Fit::Unsure(Doubt::Further),
        _ => Fit::Sure,
    }
}

/// What the column holds: by its name, unless a framework whose columns the table has knows better.
pub fn meaning_in(columns: &[Column], name: &str) -> Meaning {
    let mut known = frameworks().filter(|one| one.expires == name && one.has_columns(columns));
    let by_name = meaning(name);
    match known.next() {
        None => by_name,
        // Of several, the most careful one counts.
        Some(first) => known
            .map(Framework::meaning)
            .fold(first.meaning(), Meaning::max),
    }
}

/// The columns that could say when a row expires, best guess first: what to name when recognition fails. Numbers are
/// among them only if their name is telling.
pub fn candidates(columns: &[Column]) -> Vec<&Column> {
    let mut found: Vec<(Meaning, &Column)> = columns
        .iter()
        .filter_map(|column| Some((rank(columns, column)?, column)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, column)| column).collect()
}

fn rank(columns: &[Column], column: &Column) -> Option<Meaning> {
    let meaning = meaning_in(columns, &column.name);
    match column.column_type {
        ColumnType::TimestampTz | ColumnType::Timestamp | ColumnType::Date => Some(meaning),
        ColumnType::Int4 | ColumnType::Int8 | ColumnType::Float8 | ColumnType::Numeric => {
            (meaning != Meaning::Unclear).then_some(meaning)
        }
        _ => None,
    }
}
