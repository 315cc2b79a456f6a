//! What the caller, or a framework, names as the value that says when a row expires.

use super::columns::{candidates_hint, find_column};
use super::criterion::{Rule, Value};
use crate::pg::{self, Attribute, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// `value` before its type has been looked at.
pub struct Named {
    pub value: Value,
    /// As SQL over the alias [`TABLE_ALIAS`].
    pub sql: String,
    pub base_type: pg_sys::Oid,
    /// As the caller would write it for the parameter.
    pub text: String,
    /// What it makes of a row can depend on the session's TimeZone and DateStyle.
    pub is_of_session: bool,
    /// The texts that it reads as times or as zones.
    pub written_zones: Vec<pg::WrittenZone>,
}

impl Named {
    pub fn column(attribute: &Attribute) -> Named {
        Named {
            value: Value::Column {
                attnum: attribute.attnum,
                name: attribute.name.clone(),
            },
            sql: format!("{TABLE_ALIAS}.{}", pg::quote_identifier(&attribute.name)),
            base_type: attribute.base_type,
            text: pg::quote_identifier(&attribute.name),
            is_of_session: false,
            written_zones: Vec::new(),
        }
    }

    /// Whether it reads the column; what reads the whole row reads each of them.
    pub fn reads(&self, attnum: i16) -> bool {
        match &self.value {
            Value::Column { attnum: read, .. } => *read == attnum,
            Value::Expression { columns, .. } => columns.contains(&attnum) || columns.contains(&0),
        }
    }

    /// How a message calls it.
    pub fn description(&self) -> String {
        match &self.value {
            Value::Column { name, .. } => format!("column \"{name}\""),
            Value::Expression { .. } => "the expression".to_owned(),
        }
    }
}

/// The column or expression that the caller named: first as a column's exact name, then as SQL; `in_zone` as for
/// [`pg::analyze`].
pub fn named(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    text: &str,
    in_zone: bool,
) -> Result<Named, Refusal> {
    if let Some(column) = attributes.iter().find(|column| column.name == text) {
        return Ok(Named::column(column));
    }
    if is_plain_name(text) {
        return find_column(relation, attributes, rule, &text.to_lowercase()).map(Named::column);
    }
    let expression = pg::analyze(relation, text, false, in_zone).map_err(|e| e.about("expires"))?;
    if let Some(attnum) = expression.column {
        let column = attributes.iter().find(|column| column.attnum == attnum);
        return Ok(Named::column(column.expect("the parser found it")));
    }
    if expression.columns.is_empty() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "invalid value for parameter \"expires\": the expression reads no column",
        )
        .detail("It would be the same for every row.")
        .hint(candidates_hint(relation, attributes, rule)));
    }
    Ok(Named {
        sql: format!("({})", expression.sql),
        base_type: expression.base_type,
        text: text.to_owned(),
        is_of_session: expression.is_of_session,
        written_zones: expression.written_zones,
        value: Value::Expression {
            columns: expression.columns,
            references: expression.references,
        },
    })
}

/// A bare identifier, which SQL would fold to lower case: nothing that needs the parser.
fn is_plain_name(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The refusal (42804) of a value whose type cannot mean time.
pub fn not_a_time(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!(
            "{} of type {} cannot say when a row expires",
            named.description(),
            pg::type_name(named.base_type)
        ),
    )
    .detail("It must be a timestamp, a date, or a number of seconds, milliseconds or microseconds since 1970.")
    .hint(candidates_hint(relation, attributes, rule))
}
