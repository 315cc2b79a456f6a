//! The session tables of the web frameworks, as data.
//!
//! A framework is told by the names and types of its columns, never by the table's name: `sessions` is the default of a
//! dozen of them. Each entry lists as many of its columns as it takes to tell it from every other; a table may have more.

mod compiled;
mod javascript;
mod php;
mod python;
mod ruby;
mod server;

use super::unit::Unit;

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
    Other,
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
const BOOL: Expect = Expect(&[ColumnType::Bool]);
const UUID: Expect = Expect(&[ColumnType::Uuid]);
const FLOAT8: Expect = Expect(&[ColumnType::Float8]);
const TIMESTAMPTZ: Expect = Expect(&[ColumnType::TimestampTz]);
const TIMESTAMP: Expect = Expect(&[ColumnType::Timestamp]);
/// Some frameworks have widened their integers since, and sites have done it for them: 2038 is near.
const INTEGER: Expect = Expect(&[ColumnType::Int4, ColumnType::Int8]);
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

/// One framework's session table.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// As it is called in messages and in the preview.
    pub name: &'static str,
    /// The columns by which it is recognized.
    pub columns: &'static [(&'static str, Expect)],
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
    /// What somebody who is about to clear this table should know.
    pub note: Option<&'static str>,
    /// Whether a table with further columns is not taken for it: its own names are common in tables of other kinds.
    pub exact: bool,
}

/// What most of them have: the instant of the end in a `timestamp with time zone`. The entries say where they differ.
const ABSOLUTE: Framework = Framework {
    name: "",
    columns: &[],
    expires: "",
    unit: None,
    zone: Zone::NotNaive,
    lifetime: Lifetime::Absolute,
    usual_keep: None,
    filter: None,
    note: None,
    exact: false,
};

/// Every framework that is recognized.
pub static FRAMEWORKS: &[Framework] = &[
    python::DJANGO_SESSIONS,
    python::DJANGO_CACHE,
    python::FLASK_SESSION,
    ruby::RAILS,
    ruby::RAILS_TIMESTAMPTZ,
    javascript::CONNECT_PG_SIMPLE,
    javascript::CONNECT_SESSION_KNEX,
    javascript::CONNECT_SESSION_SEQUELIZE,
    javascript::CONNECT_TYPEORM,
    javascript::AUTH_JS,
    javascript::AUTH_JS_TIMESTAMP,
    javascript::BETTER_AUTH,
    javascript::BETTER_AUTH_TIMESTAMP,
    javascript::BETTER_AUTH_DRIZZLE,
    javascript::LUCIA_2,
    javascript::LUCIA_3,
    php::LARAVEL_SESSIONS,
    php::LARAVEL_CACHE,
    php::LARAVEL_CACHE_LOCKS,
    php::SYMFONY,
    php::DRUPAL,
    php::CODEIGNITER,
    php::YII,
    php::CAKEPHP,
    compiled::SPRING_SESSION,
    compiled::SCS,
    compiled::PGSTORE,
    compiled::FIBER,
    compiled::TOWER_SESSIONS,
    compiled::ASPNET_CACHE,
    compiled::PHOENIX,
    server::SUPABASE_AUTH,
    server::ORY_KRATOS,
    server::KEYCLOAK,
    server::MATTERMOST,
];
