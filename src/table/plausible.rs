//! Values that cannot be instants in the unit they are read in: milliseconds read as seconds, and the reverse.
//!
//! Of a column of a time's type no unit can be wrong. What lies before 2000 in it is left where it is.

use super::columns::{corrected_call, fill_in};
use super::count::instant;
use super::criterion::{Criterion, Rule, Value};
use super::misread::find_misread;
use super::place::{self, Place, middle, range};
use crate::pg::{self, Argument, LocalSetting, LockMode, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use logic::cutoff::{
    Plausible, is_long_over, is_nines, plausible_range, plausible_times, units_that_fit,
};
use logic::kind::Kind;
use logic::unit::Unit;
use pgrx::prelude::PgSqlErrorCode;

/// With so many rows that cannot be judged, the expression is wrong and not they.
const MOST_BROKEN: u32 = 100;

/// What the values have to lie in; `None` where they need not be looked at.
fn limits(criterion: &Criterion) -> Option<Plausible> {
    match (criterion.unit, &criterion.value) {
        (Some(unit), _) => Some(plausible_range(criterion.kind, unit, criterion.now)),
        (None, Value::Expression { .. }) => Some(plausible_times(criterion.kind)),
        (None, Value::Column { .. }) => None,
    }
}

/// Refuses (22008) where a number in the table, markers for "never" aside, lies before 2000 or more than about fifty years
/// from now in the rule's unit; or where an expression makes a time of before 2000, or long after the year 9999.
///
/// Runs by the caller's rights and under row-level security: what the caller cannot see, a DELETE cannot reach either.
///
/// Refuses also a row whose value an expression cannot have, with its own SQLSTATE; where `leaves_out`, only where there are
/// many of those, or rows have no places.
fn check(
    relation: &Relation,
    criterion: &Criterion,
    rule: &Rule,
    leaves_out: bool,
) -> Result<(), Refusal> {
    let limits = limits(criterion);
    if limits.is_none() && criterion.written_zones().next().is_none() {
        return Ok(());
    }
    let whole = || find(relation, criterion, limits, "");
    let found = match criterion.value {
        Value::Column { .. } if criterion.filter.is_none() => whole(),
        _ => match pg::attempt(pg::is_of_a_row, whole) {
            Ok(found) => found,
            Err(refusal) => find_by_places(relation, criterion, limits, refusal, leaves_out)?,
        },
    };
    match found {
        None => Ok(()),
        Some(Found::Zone(refusal)) => Err(refusal),
        Some(Found::Value(value)) => Err(match criterion.unit {
            Some(unit) => refuse(relation, criterion, rule, unit, &value),
            None => refuse_time(relation, &value),
        }),
    }
}

/// Refuses (22008) where a number in the table cannot be what the rule takes it for, and where a value cannot be had.
pub fn check_plausible(
    relation: &Relation,
    criterion: &Criterion,
    rule: &Rule,
) -> Result<(), Refusal> {
    check(relation, criterion, rule, false)
}

/// The same for a clearing in batches, which leaves out, one by one, the rows whose value cannot be had.
pub fn check_plausible_but_for_rows(
    relation: &Relation,
    criterion: &Criterion,
    rule: &Rule,
) -> Result<(), Refusal> {
    check(relation, criterion, rule, true)
}

/// Looks at the places of the table piece by piece, because a row somewhere in it has raised an ERROR: at all but the rows that
/// do. Refuses what such a row has raised, with its place; where `leaves_out`, only if there are many.
fn find_by_places(
    relation: &Relation,
    criterion: &Criterion,
    limits: Option<Plausible>,
    raised: Refusal,
    leaves_out: bool,
) -> Result<Option<Found>, Refusal> {
    let leaves = pg::leaves(relation, LockMode::AccessShare);
    if !leaves.iter().all(Relation::is_heap) || !pg::has_privilege(relation, Privilege::Select) {
        return Err(advised(criterion, raised));
    }
    let _setting = LocalSetting::set(&[(c"enable_tidscan", c"on")]);
    let end = (leaves.iter().map(Relation::blocks).max().unwrap_or(0), 0);
    // The row, or one of them, is between these two.
    let (mut from, mut failing) = ((0, 0), end);
    let mut until = middle(from, failing);
    let mut broken = 0;
    while from < end {
        let Some(next) = until else {
            broken += 1;
            if !leaves_out || broken > MOST_BROKEN {
                return Err(named(relation, criterion, from, raised));
            }
            from = failing;
            (until, failing) = (Some(end), end);
            continue;
        };
        let piece = range(from, next);
        match pg::attempt(pg::is_of_a_row, || {
            find(relation, criterion, limits, &piece)
        }) {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {
                from = next;
                until = if next == failing {
                    Some(end)
                } else {
                    middle(next, failing)
                };
            }
            Err(_) => {
                failing = next;
                until = middle(from, next);
            }
        }
    }
    Ok(None)
}

/// What a row has raised, with where it is.
fn named(relation: &Relation, criterion: &Criterion, place: Place, raised: Refusal) -> Refusal {
    let message = format!(
        "could not see whether the row at ctid {} of table \"{}\" has expired: {}",
        place::in_words(place),
        relation.name(),
        raised.message()
    );
    advised(criterion, raised.with_message(message))
}

fn advised(criterion: &Criterion, raised: Refusal) -> Refusal {
    let hint = match (&criterion.value, &criterion.filter) {
        (Value::Expression { .. }, None) => {
            "Have the expression be NULL for such rows, with CASE WHEN ... THEN ... END: NULL never expires."
        }
        (Value::Expression { .. }, Some(_)) => {
            "Have what fails, the expression or the filter, be NULL for such rows, with CASE WHEN ... THEN ... END: they stay then."
        }
        (Value::Column { .. }, _) => {
            "Have the filter be NULL for such rows, with CASE WHEN ... THEN ... END: they stay then."
        }
    };
    match raised.notes().1 {
        Some(_) => raised,
        None => raised.hint(hint),
    }
}

/// What is not to be read as the rule reads it.
enum Found {
    /// A value that is not plausible.
    Value(String),
    /// A time zone in a text.
    Zone(Refusal),
}

/// What is not to be read as the rule reads it, if there is something among the rows that meet a condition, which ends with AND.
fn find(
    relation: &Relation,
    criterion: &Criterion,
    limits: Option<Plausible>,
    condition: &str,
) -> Option<Found> {
    // First, because a zone of a hundred hours could be one that makes a time implausible.
    let zone = find_misread(relation, criterion, condition).map(Found::Zone);
    let value = || find_implausible(relation, criterion, limits?, condition).map(Found::Value);
    zone.or_else(value)
}

/// A value that is not plausible.
fn find_implausible(
    relation: &Relation,
    criterion: &Criterion,
    plausible: Plausible,
    condition: &str,
) -> Option<String> {
    let value = &criterion.sql;
    let operator = |symbol: &str| format!("OPERATOR(pg_catalog.{symbol})");
    let (less, greater, unequal) = (operator("<"), operator(">"), operator("<>"));
    if criterion.unit.is_none() {
        let shown = instant(criterion, value);
        let statement = |name: &str| {
            format!(
                "SELECT {shown} FROM {name} AS {TABLE_ALIAS} WHERE {condition}pg_catalog.isfinite({value}) \
                 AND ({value} {less} $1 OR {value} {greater} $2){} LIMIT 1",
                criterion.and_filter()
            )
        };
        let arguments = [plausible.from, plausible.to].map(|limit| criterion.of_base_type(limit));
        return pg::query_on(relation, statement, &arguments)
            .into_iter()
            .next();
    }
    // $1 and $2 are the limits, $3 and $4 the type's smallest and largest values, which mean "never".
    let statement = |name: &str| {
        format!(
            "SELECT {value} FROM {name} AS {TABLE_ALIAS} WHERE {condition}\
             (({value} {less} $1 AND {value} {less} $4 AND {value} {greater} $3 AND {value} {unequal} $5) \
             OR ({value} {greater} $2 AND {value} {less} $4)){} LIMIT 1",
            criterion.and_filter()
        )
    };
    let arguments = arguments(criterion.kind, plausible.from, plausible.to);
    let found = pg::query_on(relation, statement, &arguments);
    found.into_iter().next()
}

/// The same, but for what is on foreign servers that cannot be asked now: that is looked at when it is to be cleared.
pub fn check_plausible_here(
    root: &Relation,
    criterion: &Criterion,
    rule: &Rule,
) -> Result<(), Refusal> {
    if limits(criterion).is_none() && criterion.written_zones().next().is_none() {
        return Ok(());
    }
    let leaves = pg::leaves(root, LockMode::RowExclusive);
    if leaves.len() == 1 || !leaves.iter().any(Relation::is_foreign) {
        return check_plausible_but_for_rows(root, criterion, rule);
    }
    let checked = pg::attempt(pg::is_of_a_table, || {
        check_plausible_but_for_rows(root, criterion, rule)
    });
    checked.unwrap_or_else(|refusal| {
        let readable = |leaf: &Relation| pg::has_privilege(leaf, Privilege::Select);
        let mut here = leaves.iter().filter(|leaf| !leaf.is_foreign());
        if !here.clone().all(readable) {
            return Err(refusal);
        }
        here.try_for_each(|leaf| check_plausible_but_for_rows(leaf, criterion, rule))
    })
}

fn arguments(kind: Kind, from: i64, to: i64) -> Vec<Argument> {
    let (least, greatest) = match kind {
        Kind::Float8 => {
            return vec![
                Argument::float(from as f64),
                Argument::float(to as f64),
                Argument::float(f64::NEG_INFINITY),
                Argument::float(f64::INFINITY),
                Argument::float(0.0),
            ];
        }
        Kind::Int4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    [from, to, least, greatest, 0]
        .map(Argument::integer)
        .to_vec()
}

/// What an expression of a time's type has made of another unit than it takes its columns for, or of a marker for "never".
fn refuse_time(relation: &Relation, time: &str) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        format!(
            "time {time}, of expires in table \"{}\", is implausible",
            relation.name()
        ),
    )
    .detail("It is before 2000, or long after the year 9999. Nothing has been deleted.")
    .hint("If expires converts a number, see that the number is in the unit that is said there. Where such a time stands for never, have the expression be NULL for the row, with CASE WHEN ... THEN ... END: NULL never expires.")
}

fn refuse(
    relation: &Relation,
    criterion: &Criterion,
    rule: &Rule,
    unit: Unit,
    number: &str,
) -> Refusal {
    let refusal = Refusal::new(
        PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        format!(
            "value {number} in table \"{}\" is implausible as {} since 1970",
            relation.name(),
            unit.name()
        ),
    )
    .detail("It would be before 2000, or more than 50 years from now. Nothing has been deleted.");
    let value = number.parse().unwrap_or(0.0);
    match (
        units_that_fit(value, criterion.now).first(),
        criterion.framework,
    ) {
        // Suggested units would have such rows be over since 2001.
        _ if is_nines(number) => {
            refusal.hint("If it means that the row never expires, leave such rows out with filter.")
        }
        (Some(fitting), _) => {
            let unit = fitting.name();
            if is_long_over(value, *fitting, criterion.now) {
                let call = corrected_call(relation, &relation.attributes(), rule, &fill_in("unit"));
                return refusal.hint(format!(
                    "In {unit} the row would have been over for more than a year. If it means that the row never expires, leave such rows out with filter; if it can be as old as that, say so: {call}"
                ));
            }
            let mut changes = vec![("unit", Some(unit.to_owned()))];
            // Of a sum only the greater number is known to be in that unit: a lifetime in it could shrink to nothing.
            let is_sum = matches!(&criterion.value, Value::Expression { columns, .. } if columns.len() > 1 || columns.contains(&0));
            let condition = if is_sum {
                changes.extend(fill_in("keep"));
                format!(", if all that is added in it is in {unit}, too")
            } else {
                String::new()
            };
            let call = corrected_call(relation, &relation.attributes(), rule, &changes);
            refusal.hint(format!(
                "As {unit} it would be plausible{condition}: {call}"
            ))
        }
        (None, Some(framework)) if framework.note.is_some() => {
            refusal.hint(sentence(framework.note.unwrap_or_default()))
        }
        _ => refusal.hint("If the value has another meaning, leave such rows out with filter."),
    }
}

/// A note, which begins in lower case, as a HINT.
fn sentence(note: &str) -> String {
    let mut characters = note.chars();
    let first = characters.next().map(|first| first.to_uppercase());
    first
        .into_iter()
        .flatten()
        .chain(characters)
        .chain(['.'])
        .collect()
}
