//! A table's columns in the terms of the rule: what they hold, which framework's they are, which could be meant.

use super::caller::parameter;
use super::criterion::Rule;
use super::lifetimes::own_lifetime;
use super::staying::{may_stay, staying_unread};
use crate::pg::{self, Attribute, Relation};
use crate::refusal::Refusal;
use logic::framework::{ColumnType, Framework, Zone};
use logic::kind::Kind;
use logic::recognize::{
    self, Column, Doubt, Recognition, best_candidates, candidates, filter_in, recognize, unit_in,
};
use logic::table_name::of_partition;
use logic::unit::Unit;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// What a base type can say of a row's end; `None` for a type that cannot mean time.
pub fn kind_of(base_type: pg_sys::Oid) -> Option<Kind> {
    Some(match base_type {
        pg_sys::TIMESTAMPTZOID => Kind::TimestampTz,
        pg_sys::TIMESTAMPOID => Kind::Timestamp,
        pg_sys::DATEOID => Kind::Date,
        pg_sys::INT4OID => Kind::Int4,
        pg_sys::INT8OID => Kind::Int8,
        pg_sys::FLOAT8OID => Kind::Float8,
        pg_sys::NUMERICOID => Kind::Numeric,
        _ => return None,
    })
}

/// The type, as far as recognition tells types apart.
pub fn column_type_of(base_type: pg_sys::Oid) -> ColumnType {
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
        pg_sys::INTERVALOID => ColumnType::Interval,
        pg_sys::TSTZRANGEOID
        | pg_sys::TSRANGEOID
        | pg_sys::DATERANGEOID
        | pg_sys::TSTZMULTIRANGEOID
        | pg_sys::TSMULTIRANGEOID
        | pg_sys::DATEMULTIRANGEOID
        | pg_sys::TIMESTAMPTZARRAYOID
        | pg_sys::TIMESTAMPARRAYOID
        | pg_sys::DATEARRAYOID => ColumnType::Range,
        _ => ColumnType::Other,
    }
}

/// The columns as the rule knows them.
pub fn columns(attributes: &[Attribute]) -> Vec<Column> {
    attributes
        .iter()
        .map(|attribute| Column {
            name: attribute.name.clone(),
            column_type: column_type_of(attribute.base_type),
            required: attribute.is_required,
        })
        .collect()
}

/// The framework whose session table this is: 42703 if none is known, 42702 if it could be more than one's.
pub fn recognize_table(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
) -> Result<&'static Framework, Refusal> {
    match recognition(relation, attributes, rule)? {
        Recognition::One(framework) => Ok(framework),
        Recognition::Unsure(framework, doubt @ (Doubt::Ends(_) | Doubt::Holds(_))) => {
            Err(not_recognized(relation)
                .detail(could_be(framework, &doubt))
                .hint(doubt_hint(relation, attributes, rule)))
        }
        Recognition::Unsure(framework, doubt) => Err(not_recognized(relation)
            .detail(could_be(framework, &doubt))
            .hint(format!(
                "If a row of it is worth nothing after that instant, say so, and how long it is kept past it: {}",
                example(relation, attributes, rule, as_framework(framework))
            ))),
        Recognition::None => Err(not_recognized(relation)
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

/// Whose table it is by its names and columns, with what the caller's filter says of them.
pub fn recognition(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
) -> Result<Recognition, Refusal> {
    let name = relation.name();
    // A partition has a date for what is in it, and is no copy.
    let table = if relation.is_partition() {
        of_partition(&name)
    } else {
        &name
    };
    let mut columns = columns(attributes);
    let recognition = recognize(&relation.schema(), table, &columns);
    let (Recognition::Unsure(framework, Doubt::Ends(_) | Doubt::Holds(_)), Some(filter)) =
        (&recognition, &rule.filter)
    else {
        return Ok(recognition);
    };
    // What the filter reads is no question any more. It stays a column that the framework does not know.
    let read = pg::analyze(relation, filter, true, false)
        .map_err(|e| e.about("filter"))?
        .columns;
    for (column, attribute) in columns.iter_mut().zip(attributes) {
        // What reads the whole row need not read this.
        if read.contains(&attribute.attnum) && !framework.knows(&column.name, column.column_type) {
            column.name.clear();
        }
    }
    Ok(recognize(&relation.schema(), table, &columns))
}

fn could_be(framework: &Framework, doubt: &Doubt) -> String {
    format!(
        "It could be the table of {}, but {}.",
        framework.name,
        doubt.reason()
    )
}

/// What to say where columns may keep a row for longer: by which condition on them it goes. An expression of several ends
/// would be another one than each of them where one is NULL, or a number for "never".
fn doubt_hint(relation: &Relation, attributes: &[Attribute], rule: &Rule) -> String {
    let filter = and_to_be_filled_in(rule.filter.as_deref());
    format!(
        "Say by a filter that reads it which rows may go: {}",
        corrected_call(relation, attributes, rule, &[("filter", Some(filter))])
    )
}

/// A condition, and one more that only the caller knows.
pub fn and_to_be_filled_in(filter: Option<&str>) -> String {
    match filter {
        Some(filter) => format!("({filter}) AND {TO_BE_FILLED_IN}"),
        None => TO_BE_FILLED_IN.to_owned(),
    }
}

/// The caller's condition beside that of a framework, which holds too, unless the caller's says itself which of the rows are
/// meant that the framework tells apart.
pub fn with_filter_of(
    relation: &Relation,
    framework: Option<&str>,
    given: Option<&str>,
) -> Option<String> {
    let (Some(framework), Some(given)) = (framework, given) else {
        return given.or(framework).map(str::to_owned);
    };
    let read = |filter| {
        pg::analyze(relation, filter, true, true).map_or(Vec::new(), |filter| filter.columns)
    };
    let said = read(given);
    if read(framework).iter().any(|column| said.contains(column)) {
        return Some(given.to_owned());
    }
    Some(format!("({framework}) AND ({given})"))
}

fn not_recognized(relation: &Relation) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!(
            "table \"{}\" is not recognized as a session table",
            relation.name()
        ),
    )
}

/// What the caller would have to say, were the framework not known.
fn as_framework(framework: &Framework) -> Vec<(&'static str, Option<String>)> {
    let is_naive = framework.zone != Zone::NotNaive;
    let zone = is_naive.then(|| TO_BE_FILLED_IN.to_owned());
    let mut changes = vec![("expires", Some(pg::quote_identifier(framework.expires)))];
    changes.extend(
        framework
            .unit
            .map(|unit| ("unit", Some(unit.name().to_owned()))),
    );
    changes.extend(zone.map(|zone| ("time_zone", Some(zone))));
    changes.extend(
        framework
            .filter
            .map(|filter| ("filter", Some(filter.to_owned()))),
    );
    changes
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
    let best = best_candidates(&columns);
    let Some(first) = best.first() else {
        return "Pass an expression that says when a row expires as expires.".to_owned();
    };
    let names: Vec<_> = candidates(&columns)
        .into_iter()
        .take(5)
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let own = own_lifetime(attributes, first);
    let mut changes = match &own {
        // To add an interval takes the zone whose clock counts the days.
        Some(own) => [
            vec![("expires", Some(own.expression.clone()))],
            fill_in("time_zone").to_vec(),
        ]
        .concat(),
        None => changes_for(&columns, &best),
    };
    let length = own.as_ref().map(|own| &own.length[..]);
    let staying = staying_unread(relation, attributes, rule, &best, length);
    if !staying.is_empty() {
        let filter = and_to_be_filled_in(rule.filter.as_deref());
        changes.push(("filter", Some(filter)));
    }
    let example = match &own {
        // The zone is to be filled in.
        Some(_) => corrected_call(relation, attributes, rule, &changes),
        None => example(relation, attributes, rule, changes),
    };
    let staying = may_stay(&staying);
    let own = own.map(|own| {
        format!(
            " Column \"{}\" seems to hold how long a row lives; where it is NULL, or not more than 0, the row is kept.",
            own.length
        )
    });
    format!(
        "If a row is worth nothing after an instant in it, say which column holds that instant (expires), and how long past it a row is kept (keep). Candidates: {}.{}{staying} For example: {example}",
        names.join(", "),
        own.unwrap_or_default()
    )
}

/// What a call says of the columns that are the best candidates alike: of several, which one is to be filled in.
fn changes_for(columns: &[Column], best: &[&Column]) -> Vec<(&'static str, Option<String>)> {
    let first = best[0];
    let expires = match best[..] {
        [one] => pg::quote_identifier(&one.name),
        _ => TO_BE_FILLED_IN.to_owned(),
    };
    let mut changes = vec![("expires", Some(expires))];
    if best
        .iter()
        .all(|column| column.column_type == first.column_type)
    {
        let (unit, time_zone) = match first.column_type {
            ColumnType::TimestampTz => (None, None),
            ColumnType::Timestamp | ColumnType::Date => (None, Some(TO_BE_FILLED_IN.to_owned())),
            _ => (Some(unit_or_open(columns, &first.name)), None),
        };
        changes.extend([("unit", unit), ("time_zone", time_zone)]);
    }
    changes
}

/// The unit that a framework writes into the column, or what is to be filled in.
pub fn unit_or_open(columns: &[Column], name: &str) -> String {
    let unit = unit_in(columns, name).map(Unit::name);
    unit.unwrap_or(TO_BE_FILLED_IN).to_owned()
}

/// A call for a table of which nobody has said what its rows are: whoever copies it has to fill in something, so that it
/// deletes nothing as it stands.
fn example(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    mut changes: Vec<(&'static str, Option<String>)>,
) -> String {
    let open = if rule.keep.is_none() {
        "keep"
    } else {
        "expires"
    };
    changes.retain(|(name, _)| *name != open);
    changes.extend(fill_in(open));
    corrected_call(relation, attributes, rule, &changes)
}

/// Stands in a call for what only the caller knows. PostgreSQL takes it neither for an interval nor for a time zone, and
/// no column is called so: a call that was copied as it stands deletes nothing.
pub const TO_BE_FILLED_IN: &str = "...";

/// The change of a call that leaves one parameter to the caller.
pub fn fill_in(parameter: &'static str) -> [(&'static str, Option<String>); 1] {
    [(parameter, Some(TO_BE_FILLED_IN.to_owned()))]
}

/// The caller's own call with some parameters changed, or (`None`) left out: following it must not delete more
/// than they asked for, so that everything else stays. Where nothing was said to keep, and the column need not be the
/// instant of expiry, `keep` is to be filled in.
pub fn corrected_call(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    changes: &[(&str, Option<String>)],
) -> String {
    let mut parameters: Vec<_> = rule
        .parameters()
        .into_iter()
        .map(|(name, given)| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            (name, change.map_or(given, |(_, value)| value.clone()))
        })
        .collect();
    let columns = columns(attributes);
    let expires = parameters.iter().find(|(name, _)| *name == "expires");
    if let Some(expires) = expires.and_then(|(_, expires)| expires.clone()) {
        for (name, value) in &mut parameters {
            match *name {
                "keep" if value.is_none() && !is_expiry(&columns, &expires) => {
                    *value = Some(TO_BE_FILLED_IN.to_owned());
                }
                // Whoever names the column of a framework's means its rows.
                "filter" => {
                    let of_framework = columns
                        .iter()
                        .filter(|column| expires == TO_BE_FILLED_IN || is_named(column, &expires))
                        .find_map(|column| filter_in(&columns, &column.name));
                    *value = with_filter_of(relation, of_framework, value.as_deref());
                }
                _ => {}
            }
        }
    }
    let parameters: String = parameters
        .into_iter()
        .filter_map(|(name, value)| Some(parameter(name, &value?)))
        .collect();
    rule.caller.call(&relation.qualified_name(), &parameters)
}

/// Whether what the caller would write for `expires` is this column.
fn is_named(column: &Column, expires: &str) -> bool {
    column.name == expires || pg::quote_identifier(&column.name) == expires
}

/// Whether what the caller would write for `expires` is a column that surely is the instant at which a row expires.
pub fn is_expiry(columns: &[Column], expires: &str) -> bool {
    columns
        .iter()
        .filter(|column| is_named(column, expires))
        .any(|column| recognize::is_expiry(columns, column))
        && !columns.iter().any(|column| outlives_it(&column.name))
}

/// Whether a column of that name shows a row that is worth something after an instant of expiry in it: an account's, of
/// which a token, a password or a trial expires.
fn outlives_it(name: &str) -> bool {
    const PARTS: [&str; 12] = [
        "password",
        "passwd",
        "email",
        "refreshtoken",
        "accesstoken",
        "username",
        "firstname",
        "lastname",
        "price",
        "amount",
        "invoice",
        "balance",
    ];
    let name = name.to_lowercase().replace('_', "");
    PARTS.iter().any(|part| name.contains(part))
}
