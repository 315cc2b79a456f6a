//! Whose table it is: the columns of a relation against the frameworks' columns.

mod staying;

use crate::framework::{ColumnType, Framework, Further, Lifetime, frameworks};
use crate::meaning::{Meaning, is_amount, meaning, needs_a_token};
use crate::table_name::{has_date, is_dated, is_followed, is_kept, is_only_copy};
use crate::unit::Unit;
pub use staying::is_length;
use staying::{is_hold, is_later_end, is_later_use, is_remembered};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Other things have such columns as well, and its name does not say what it holds.
    Common,
    /// It has columns that the framework does not know, and its name does not say what it holds.
    Further,
    /// Its name says that it holds what is over: an archive, a backup, a history.
    Kept,
    /// Its name says of a cache that something may be nowhere else.
    OnlyCopy,
    /// The name of its schema says that it holds what is over.
    KeptSchema,
    /// The name of its schema has a date in it.
    DatedSchema,
    /// Its name ends in a date, as a copy's does.
    Dated,
    /// More stands in its name behind what it holds, as in a copy's.
    Followed,
    /// These columns, which the framework does not know, may each hold a later end of a row.
    Ends(Vec<String>),
    /// These may say that a row is to be kept.
    Holds(Vec<String>),
}

impl Doubt {
    /// What is said of it to the caller, after "it could be the table of …, but".
    pub fn reason(&self) -> String {
        let quoted = |columns: &[String]| {
            let quoted: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
            quoted.join(", ")
        };
        let reason = match self {
            Doubt::Common => {
                "other tables have such columns, and its name does not say what it holds"
            }
            Doubt::Further => "it has other columns, too, and its name does not say what it holds",
            Doubt::Kept => "its name says that its rows are kept",
            Doubt::OnlyCopy => "its name says that it may hold the only copy of something",
            Doubt::KeptSchema => "the name of its schema says that its rows are kept",
            Doubt::DatedSchema => "the name of its schema has a date in it, as that of a copy does",
            Doubt::Dated => "its name ends in a date, as that of a copy does",
            Doubt::Followed => "more stands in its name behind what it holds, as in that of a copy",
            Doubt::Ends(columns) => {
                return format!("a row may live until a later instant: {}", quoted(columns));
            }
            Doubt::Holds(columns) => {
                return format!("a row may be meant to stay: {}", quoted(columns));
            }
        };
        reason.to_owned()
    }
}

/// How well a table fits a framework whose columns it has.
enum Fit {
    Sure,
    Unsure(Doubt),
    Not,
}

/// Finds the framework whose columns these are.
pub fn recognize(schema: &str, table: &str, columns: &[Column]) -> Recognition {
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
        [one] => match fit(one, schema, table, columns) {
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

fn fit(framework: &Framework, schema: &str, table: &str, columns: &[Column]) -> Fit {
    let unknown: Vec<_> = columns
        .iter()
        .filter(|column| !framework.knows(&column.name, column.column_type))
        .collect();
    let any_required = unknown.iter().any(|column| column.required);
    let by_columns = doubt_of_columns(Some(framework), &unknown);
    match framework.further {
        Further::None if !unknown.is_empty() => Fit::Not,
        Further::Optional if any_required => Fit::Not,
        // First, because the call that answers the others names the column, after which nobody asks for these.
        _ if let Some(doubt) = by_columns => Fit::Unsure(doubt),
        _ if let Some(doubt) = doubts_of_name(schema, table).next() => Fit::Unsure(doubt),
        _ if framework.is_surely_named(table) => Fit::Sure,
        _ if framework.common => Fit::Unsure(Doubt::Common),
        _ if !unknown.is_empty() => Fit::Unsure(Doubt::Further),
        _ => Fit::Sure,
    }
}

/// What the name of a table, and that of its schema, say against clearing it, the gravest first.
pub fn doubts_of_name(schema: &str, table: &str) -> impl Iterator<Item = Doubt> + use<> {
    let doubts = [
        (is_kept(table), Doubt::Kept),
        (is_only_copy(table), Doubt::OnlyCopy),
        (is_kept(schema), Doubt::KeptSchema),
        (has_date(schema), Doubt::DatedSchema),
        (is_dated(table), Doubt::Dated),
        (is_followed(table), Doubt::Followed),
    ];
    let doubts = doubts.into_iter();
    doubts.filter_map(|(is_doubtful, doubt)| is_doubtful.then_some(doubt))
}

/// Why a table that is cleared with its parent need not be; `framework`: the parent's, if it is recognized by its columns;
/// `further`: the columns that the parent has not.
pub fn doubt_of_child(
    framework: Option<&Framework>,
    schema: &str,
    table: &str,
    further: &[Column],
) -> Option<Doubt> {
    let is_unknown = |column: &&Column| {
        !framework.is_some_and(|one| one.knows(&column.name, column.column_type))
    };
    let unknown: Vec<_> = further.iter().filter(is_unknown).collect();
    // Partitions have dates and more in their names.
    let is_partitions =
        |doubt: &Doubt| matches!(doubt, Doubt::DatedSchema | Doubt::Dated | Doubt::Followed);
    let by_name = || doubts_of_name(schema, table).find(|doubt| !is_partitions(doubt));
    doubt_of_columns(framework, &unknown).or_else(by_name)
}

/// Whether columns that the framework does not know may keep a row.
fn doubt_of_columns(framework: Option<&Framework>, unknown: &[&Column]) -> Option<Doubt> {
    let such = |is_such: fn(&Column) -> bool| -> Vec<String> {
        let such = unknown.iter().filter(|column| is_such(column));
        such.map(|column| column.name.clone()).collect()
    };
    let (mut holds, mut ends) = (such(is_hold), such(is_later_end));
    // Where an instant is followed by a lifetime, one in the row is as good as that of the application, and so is a later use.
    if framework.is_some_and(|one| one.lifetime != Lifetime::Absolute) {
        ends.extend(such(|column| is_later_use(column) && !is_later_end(column)));
        holds.extend(such(|column| {
            (is_length(column) || is_remembered(column)) && !is_hold(column)
        }));
    }
    match () {
        () if !holds.is_empty() => Some(Doubt::Holds(holds)),
        () if !ends.is_empty() => Some(Doubt::Ends(ends)),
        () => None,
    }
}

/// What the column holds: by its name, unless a framework whose columns the table has knows better.
pub fn meaning_in(columns: &[Column], name: &str) -> Meaning {
    let mut known = knowing(columns, name);
    let by_name = meaning(name);
    match known.next() {
        None => by_name,
        // Of several, the most careful one counts.
        Some(first) => known
            .map(Framework::meaning)
            .fold(first.meaning(), Meaning::max),
    }
}

fn knowing(columns: &[Column], name: &str) -> impl Iterator<Item = &'static Framework> {
    frameworks().filter(move |one| one.expires == name && one.has_columns(columns))
}

/// The unit that a framework whose columns the table has writes into the column; `None` where none does, or several differ.
pub fn unit_in(columns: &[Column], name: &str) -> Option<Unit> {
    let mut units = knowing(columns, name).map(|framework| framework.unit);
    let first = units.next()??;
    units.all(|unit| unit == Some(first)).then_some(first)
}

/// The condition of a framework whose columns the table has, and which does not mean every row in which the column is set.
pub fn filter_in(columns: &[Column], name: &str) -> Option<&'static str> {
    knowing(columns, name).find_map(|framework| framework.filter)
}

/// Whether a column that is named for it surely holds the instant at which a row expires.
pub fn is_expiry(columns: &[Column], column: &Column) -> bool {
    rank(columns, column) == Some(Meaning::Expiry)
}

/// The columns of a table of no framework, but for those that say when a row expires (`ends`), that may keep a row past that:
/// what a condition has to say something of.
pub fn staying<'a>(columns: &'a [Column], ends: &[&str]) -> Vec<&'a Column> {
    let having: Vec<_> = frameworks()
        .filter(|framework| framework.has_columns(columns))
        .collect();
    let is_past = ends
        .iter()
        .any(|end| meaning_in(columns, end).event().is_some());
    let may_keep = |column: &&Column| {
        let may_follow =
            is_later_end(column) || is_past && (is_length(column) || is_remembered(column));
        is_hold(column) || may_follow && !ends.contains(&&column.name[..])
    };
    columns
        .iter()
        .filter(|column| {
            !having
                .iter()
                .any(|framework| framework.knows(&column.name, column.column_type))
        })
        .filter(may_keep)
        .collect()
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

/// Those of the candidates that none is better than. Which of several ends is that of the row, only the application knows.
pub fn best_candidates(columns: &[Column]) -> Vec<&Column> {
    let weight = |column: &&Column| match rank(columns, column) {
        Some(Meaning::End) => Some(Meaning::Expiry),
        other => other,
    };
    let mut found = candidates(columns);
    let best = found.first().and_then(weight);
    found.retain(|column| weight(column) == best);
    found
}

fn rank(columns: &[Column], column: &Column) -> Option<Meaning> {
    let meaning = meaning_in(columns, &column.name);
    match column.column_type {
        ColumnType::TimestampTz | ColumnType::Timestamp | ColumnType::Date => Some(meaning),
        ColumnType::Int4 | ColumnType::Int8 | ColumnType::Float8 | ColumnType::Numeric => {
            let is_known = knowing(columns, &column.name).next().is_some();
            let is_instant = !is_amount(&column.name)
                && (!needs_a_token(&column.name) || columns.iter().any(is_of_a_token));
            (meaning != Meaning::Unclear && (is_known || is_instant)).then_some(meaning)
        }
        _ => None,
    }
}

/// Whether a column shows that the table holds tokens.
fn is_of_a_token(column: &Column) -> bool {
    const CLAIMS: [&str; 6] = ["aud", "iat", "iss", "jti", "nbf", "sid"];
    let name = column.name.to_lowercase();
    CLAIMS.contains(&&name[..])
        || ["token", "jwt", "sess"]
            .iter()
            .any(|part| name.contains(part))
}
