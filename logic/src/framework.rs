//! The session tables of the web frameworks, as data: a file in `logic/frameworks` for each, of which the build makes a
//! [`Framework`] (`logic/build/entry.rs`).
//!
//! A framework is told by the names and types of its columns, never by the table's name alone: `sessions` is the default
//! of a dozen of them. Each entry lists as many of its columns as it takes to tell it from every other.
//!
//! A library that cannot insert into a table did not make it. So a further column that has to be given a value (NOT NULL
//! and no default) rules a framework out, unless it is one of its own (`also`), or one where sites add such columns
//! (`Further::Any`). Where a framework's columns are common to other things, it allows for no unknown column at all
//! (`Further::None`), and the table's name has to say as well what is in it (`names`).

use crate::kind::Kind;
use crate::meaning::Meaning;
use crate::recognize::Column;
use crate::table_name::{is_of_sessions, words};
use crate::unit::Unit;

/// The type of a column, as far as recognition tells types apart. Domains count as their base type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// text, character varying, character.
    Text,
    Int2,
    Int4,
    Int8,
    Float8,
    Numeric,
    TimestampTz,
    Timestamp,
    Date,
    Bytea,
    /// json, jsonb.
    Json,
    Uuid,
    Bool,
    Inet,
    Interval,
    /// One of times, or several.
    Range,
    Other,
}

impl ColumnType {
    /// What it can say of a row's end; `None` where it cannot mean time.
    pub fn kind(self) -> Option<Kind> {
        Some(match self {
            ColumnType::TimestampTz => Kind::TimestampTz,
            ColumnType::Timestamp => Kind::Timestamp,
            ColumnType::Date => Kind::Date,
            ColumnType::Int4 => Kind::Int4,
            ColumnType::Int8 => Kind::Int8,
            ColumnType::Float8 => Kind::Float8,
            ColumnType::Numeric => Kind::Numeric,
            _ => return None,
        })
    }
}

/// The types that a framework's column may have: more than one where versions or settings of the framework differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect(&'static [ColumnType]);

impl Expect {
    /// Whether a column of this type is what the framework makes.
    pub fn accepts(self, column_type: ColumnType) -> bool {
        self.0.contains(&column_type)
    }
}

const TEXT: Expect = Expect(&[ColumnType::Text]);
const BYTEA: Expect = Expect(&[ColumnType::Bytea]);
const INET: Expect = Expect(&[ColumnType::Inet]);
/// An address of the net's; CodeIgniter 4.1 has the type of its own in a table that is CodeIgniter 3's otherwise.
const ADDRESS: Expect = Expect(&[ColumnType::Text, ColumnType::Inet]);
/// As databases have it that know one type for both.
const BLOB: Expect = Expect(&[ColumnType::Text, ColumnType::Bytea]);
const BOOL: Expect = Expect(&[ColumnType::Bool]);
const UUID: Expect = Expect(&[ColumnType::Uuid]);
const FLOAT8: Expect = Expect(&[ColumnType::Float8]);
const TIMESTAMPTZ: Expect = Expect(&[ColumnType::TimestampTz]);
const TIMESTAMP: Expect = Expect(&[ColumnType::Timestamp]);
const INT2: Expect = Expect(&[ColumnType::Int2]);
/// A secret, or what refers to one.
const TOKEN: Expect = Expect(&[ColumnType::Text, ColumnType::Uuid]);
/// Of whichever kind.
const TIME: Expect = Expect(&[ColumnType::TimestampTz, ColumnType::Timestamp]);
/// Some frameworks have widened their integers since, and sites have done it for them: 2038 is near.
const INTEGER: Expect = Expect(&[ColumnType::Int4, ColumnType::Int8]);
/// What a session has been serialized into.
const DATA: Expect = Expect(&[ColumnType::Text, ColumnType::Bytea, ColumnType::Json]);
const JSON: Expect = Expect(&[ColumnType::Json]);
/// A reference to a user, whose key is the application's choice.
const KEY: Expect = Expect(&[
    ColumnType::Text,
    ColumnType::Int4,
    ColumnType::Int8,
    ColumnType::Uuid,
]);

/// What the column says of a row's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The instant at which the row expires.
    Absolute,
    /// The last use; the lifetime is the application's setting and has to be given as `keep`.
    SinceLastActivity,
    /// The row's creation; likewise.
    SinceCreation,
    /// The instant at which the row was to expire when it was last stored. A process may hold a later use in its memory;
    /// for how long has to be given as `keep`.
    SinceStoredEnd,
}

/// In which zone a framework writes the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The column is not naive.
    NotNaive,
    /// Always UTC.
    Utc,
    /// Whatever zone the writing session or process has: it has to be given as `time_zone`.
    Writer,
}

/// Which columns that a framework does not know a table of it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Further {
    /// None: its own are too common.
    None,
    /// Those that need no value, because its own INSERT gives them none.
    Optional,
    /// Sites give it columns of their own, and values for them. One that needs a value is only believed where the
    /// table's name says the same as the columns.
    Any,
}

/// One framework's session table.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// As it is called in messages and in the preview.
    pub name: &'static str,
    /// The columns by which it is recognized.
    pub columns: &'static [(&'static str, Expect)],
    /// Columns that it has in some versions or settings, or that are not needed to tell it.
    pub also: &'static [(&'static str, Expect)],
    /// Which columns it does not know.
    pub further: Further,
    /// Words, in lower case, one of which the table's name has to have where a column is unknown or all are common, or with `=` has
    /// to be; `sess`: what [`is_of_sessions`] takes.
    pub names: &'static [&'static str],
    /// Whether other things have such columns as well, so that the table's name has to say that it holds nothing else.
    pub common: bool,
    /// The column that says when a row expires: one of `columns`.
    pub expires: &'static str,
    /// The unit, where `expires` is a number.
    pub unit: Option<Unit>,
    /// The zone, where `expires` is naive.
    pub zone: Zone,
    /// What `expires` says of the end.
    pub lifetime: Lifetime,
    /// The framework's own default lifetime, to suggest for `keep`.
    pub usual_keep: Option<&'static str>,
    /// An SQL condition, where not every row of the table is a session.
    pub filter: Option<&'static str>,
    /// What the caller should know before this table is cleared.
    pub note: Option<&'static str>,
}

impl Framework {
    /// Whether a table with these columns has all those by which this framework is recognized.
    pub fn has_columns(&self, columns: &[Column]) -> bool {
        self.columns.iter().all(|(name, expect)| {
            columns
                .iter()
                .any(|column| column.name == *name && expect.accepts(column.column_type))
        })
    }

    /// Whether the framework knows the column.
    pub fn knows(&self, name: &str, column_type: ColumnType) -> bool {
        let mut known = self.columns.iter().chain(self.also);
        known.any(|(known, expect)| *known == name && expect.accepts(column_type))
    }

    /// What the column `expires` holds.
    pub fn meaning(&self) -> Meaning {
        match self.lifetime {
            Lifetime::Absolute => Meaning::Expiry,
            Lifetime::SinceLastActivity => Meaning::LastUse,
            Lifetime::SinceCreation => Meaning::Creation,
            Lifetime::SinceStoredEnd => Meaning::StoredEnd,
        }
    }

    /// Whether a table's name says that it holds this and nothing else.
    pub fn is_surely_named(&self, table: &str) -> bool {
        if self.names.contains(&"sess") && is_of_sessions(table) {
            return true;
        }
        let whole_words = |text: &str| format!("_{text}_");
        let table = whole_words(&words(table).join("_"));
        let mut names = self.names.iter();
        names.any(|name| match name.strip_prefix('=') {
            Some(name) => table == whole_words(name),
            None => table.contains(&whole_words(name)),
        })
    }
}

/// Every framework that is recognized, by the names of the files.
const FRAMEWORKS: &[Framework] = include!(concat!(env!("OUT_DIR"), "/frameworks.rs"));

/// Every framework that is recognized.
pub fn frameworks() -> impl Iterator<Item = &'static Framework> {
    FRAMEWORKS.iter()
}
