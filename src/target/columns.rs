//! A table's columns in the terms of the rule: what they hold, which framework's they are, which could be meant.

use super::criterion::Rule;
use crate::pg::{Attribute, Relation};
use crate::refusal::Refusal;
use crate::rule::framework::{ColumnType, Framework};
use crate::rule::kind::Kind;
use crate::rule::recognize::{Column, Recognition, candidates, recognize};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// What a base type can say of a row's end; `None` for a type that cannot mean time.
pub fn kind_of(base_type: pg_sys::Oid) -> Option<Kind> {
    Some(match base_type {
        pg_sys::TIMESTAMPTZOID => Kind::TimestampTz,
        pg_sys::TIMESTAMPOID => Kind::Timestamp,
        pg_sys::DATEOID => Kind::Date,
        pg_sys::INT2OID => Kind::Int2,
        pg_sys::INT4OID => Kind::Int4,
        pg_sys::INT8OID => Kind::Int8,
        pg_sys::FLOAT8OID => Kind::Float8,
        pg_sys::NUMERICOID => Kind::Numeric,
        _ => return None,
    })
}

fn column_type_of(base_type: pg_sys::Oid) -> ColumnType {
    match base_type {
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => ColumnType::Text,
        pg_sys::INT2OID => ColumnType::Int2,
        pg_sys::INT4OID => ColumnType::Int4,
        pg_sys::INT8OID => ColumnType::Int8,
        pg_sys::FLOAT8OID => ColumnType::Float8,
        pg_sys::NUMERICOID => ColumnType::Numeric,
        pg_sys::TIMESTAMPTZOID => ColumnType::TimestampTz,
        pg_sys::TIMESTAMPOID => ColumnType::Timestamp,
        pg_sys::DATEOID => ColumnType::Date,
        pg_sys::BYTEAOID => ColumnType::Bytea,
        pg_sys::JSONOID | pg_sys::JSONBOID => ColumnType::Json,
        pg_sys::UUIDOID => ColumnType::Uuid,
        pg_sys::BOOLOID => ColumnType::Bool,
        pg_sys::INETOID => ColumnType::Inet,
        _ => ColumnType::Other,
    }
}

fn columns(attributes: &[Attribute]) -> Vec<Column> {
    attributes
        .iter()
        .map(|attribute| Column {
            name: attribute.name.clone(),
            column_type: column_type_of(attribute.base_type),
        })
        .collect()
}

/// The framework whose session table this is: 42703 if none is known, 42702 if it could be more than one's.
pub fn recognize_table(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
) -> Result<&'static Framework, Refusal> {
    match recognize(&columns(attributes)) {
        Recognition::One(framework) => Ok(framework),
        Recognition::None => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            format!(
                "table \"{}\" is not recognized as a session table",
                relation.name()
            ),
        )
        .detail("Its columns are not those of a web framework that is known.")
        .hint(candidates_hint(relation, attributes, rule))),
        Recognition::Many(frameworks) => {
            let names: Vec<_> = frameworks.iter().map(|framework| framework.name).collect();
            Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_AMBIGUOUS_COLUMN,
                format!(
                    "table \"{}\" has the columns of more than one framework",
                    relation.name()
                ),
            )
            .detail(format!("It could be the table of {}.", names.join(", ")))
            .hint(candidates_hint(relation, attributes, rule)))
        }
    }
}

/// The column of that name: 42703 with the candidates if there is none.
pub fn find_column<'a>(
    relation: &Relation,
    attributes: &'a [Attribute],
    rule: &Rule,
    name: &str,
) -> Result<&'a Attribute, Refusal> {
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .ok_or_else(|| {
            Refusal::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!(
                    "column \"{name}\" of relation \"{}\" does not exist",
                    relation.name()
                ),
            )
            .hint(candidates_hint(relation, attributes, rule))
        })
}

/// Which columns could say when a row expires, and the call that would use the likeliest.
pub fn candidates_hint(relation: &Relation, attributes: &[Attribute], rule: &Rule) -> String {
    let columns = columns(attributes);
    let candidates = candidates(&columns);
    let Some(best) = candidates.first() else {
        return "Pass an expression that says when a row expires as expires.".to_owned();
    };
    let names: Vec<_> = candidates
        .iter()
        .take(5)
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let (unit, time_zone) = match best.column_type {
        ColumnType::TimestampTz => (None, None),
        ColumnType::Timestamp | ColumnType::Date => (None, Some("UTC".to_owned())),
        _ => (Some("seconds".to_owned()), None),
    };
    let changes = [
        ("expires", Some(crate::pg::quote_identifier(&best.name))),
        ("unit", unit),
        ("time_zone", time_zone),
    ];
    format!(
        "Say which column it is and, if that is not the instant of expiry itself, how long a row is kept (keep). Candidates: {}. For example: {}",
        names.join(", "),
        corrected_call(relation, rule, &changes)
    )
}

/// The caller's own call with some parameters changed, or (`None`) left out: whoever follows it must not delete more
/// than they asked for, so that everything else stays.
pub fn corrected_call(
    relation: &Relation,
    rule: &Rule,
    changes: &[(&str, Option<String>)],
) -> String {
    let parameters: String = rule
        .parameters()
        .into_iter()
        .filter_map(|(name, given)| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            let value = change.map_or(given, |(_, value)| value.clone())?;
            let value = pgrx::spi::quote_literal(value);
            Some(format!(", {name} => {value}"))
        })
        .collect();
    format!(
        "SELECT raw_clear_sessions({}{parameters});",
        pgrx::spi::quote_literal(relation.qualified_name())
    )
}
