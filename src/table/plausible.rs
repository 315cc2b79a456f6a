//! Numbers that cannot be instants in the unit they are read in: milliseconds read as seconds, and the reverse.

use super::columns::corrected_call;
use super::criterion::{Criterion, Rule};
use crate::pg::{self, Argument, LockMode, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use logic::cutoff::{plausible_range, units_that_fit};
use logic::kind::Kind;
use logic::unit::Unit;
use pgrx::prelude::PgSqlErrorCode;

/// Refuses (22008) where a number in the table, markers for "never" aside, lies more than about fifty years from now
/// in the rule's unit.
///
/// Runs by the caller's rights and under row-level security: what the caller cannot see, a DELETE cannot reach either.
pub fn check_plausible(
    relation: &Relation,
    criterion: &Criterion,
    rule: &Rule,
) -> Result<(), Refusal> {
    let Some(unit) = criterion.unit else {
        return Ok(());
    };
    let plausible = plausible_range(criterion.kind, unit, criterion.now);
    let value = &criterion.sql;
    let operator = |symbol: &str| format!("OPERATOR(pg_catalog.{symbol})");
    let (less, greater, unequal) = (operator("<"), operator(">"), operator("<>"));
    // $1 and $2 are the limits, $3 and $4 the type's smallest and largest values, which mean "never".
    let statement = |name: &str| {
        format!(
            "SELECT {value} FROM {name} AS {TABLE_ALIAS} WHERE \
             (({value} {less} $1 AND {value} {less} $4 AND {value} {greater} $3 AND {value} {unequal} $5) \
             OR ({value} {greater} $2 AND {value} {less} $4)){} LIMIT 1",
            criterion.and_filter()
        )
    };
    let arguments = arguments(criterion.kind, plausible.from, plausible.to);
    let found = pg::query_on(relation, statement, &arguments)
        .into_iter()
        .flatten()
        .next()
        .flatten();
    match found {
        None => Ok(()),
        Some(number) => Err(refuse(relation, criterion, rule, unit, &number)),
    }
}

/// The same, but for what is on foreign servers that cannot be asked now: that is looked at when it is to be cleared.
pub fn check_plausible_here(
    root: &Relation,
    criterion: &Criterion,
    rule: &Rule,
) -> Result<(), Refusal> {
    if criterion.unit.is_none() {
        return Ok(());
    }
    let leaves = pg::leaves(root, LockMode::RowExclusive);
    if leaves.len() == 1 || !leaves.iter().any(Relation::is_foreign) {
        return check_plausible(root, criterion, rule);
    }
    let checked = pg::attempt(pg::is_of_a_table, || check_plausible(root, criterion, rule));
    checked.unwrap_or_else(|refusal| {
        let readable = |leaf: &Relation| pg::has_privilege(leaf, Privilege::Select);
        let mut here = leaves.iter().filter(|leaf| !leaf.is_foreign());
        if !here.clone().all(readable) {
            return Err(refusal);
        }
        here.try_for_each(|leaf| check_plausible(leaf, criterion, rule))
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
    .detail("It would be more than 50 years from now. Nothing has been deleted.");
    let fitting = number
        .parse()
        .map(|number| units_that_fit(number, criterion.now))
        .unwrap_or_default();
    match (fitting.first(), criterion.framework) {
        (Some(fitting), _) => refusal.hint(format!(
            "As {} it would be plausible: {}",
            fitting.name(),
            corrected_call(
                relation,
                &relation.attributes(),
                rule,
                &[("unit", Some(fitting.name().to_owned()))]
            )
        )),
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
