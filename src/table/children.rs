//! Tables that go along with the one that is named: inheritance children, and partitions. That a framework's table is recognized
//! says nothing of a child's further columns, nor of an archive that is attached to it.

use super::columns::{columns, corrected_call};
use super::meant::{Meant, check_still_meant};
use super::{Criterion, Rule};
use crate::pg::{self, LockMode, Relation};
use crate::refusal::Refusal;
use logic::framework::Framework;
use logic::recognize::{Column, Doubt, doubt_of_child};
use logic::table_name::of_partition;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::collections::{BTreeSet, HashSet};

/// How many tables the call in a HINT names at most.
const NAMED: usize = 50;

/// Refuses (55000) to have tables go along with a recognized one whose rows may be meant to stay, unless the caller's filter says
/// of each whether it is for it. Where the column was named, all that went along by then were meant. `below`: open and locked.
pub fn check_children<'a>(
    root: &Relation,
    criterion: &Criterion,
    rule: &Rule,
    below: impl IntoIterator<Item = &'a Relation>,
) -> Result<(), Refusal> {
    match criterion.framework {
        Some(framework) => check(root, framework, criterion, rule, below),
        None => check_since_scheduled(root, criterion, rule, below),
    }
}

/// Refuses (55000) what one statement that has reached these must not have done: see [`check_still_meant`], and [`check_children`], where
/// it may have reached others.
pub fn check_unchanged(
    root: &Relation,
    rule: &Rule,
    criterion: &Criterion,
    leaves: &[Relation],
) -> Result<(), Refusal> {
    check_still_meant(root, rule, criterion)?;
    let known: HashSet<_> = leaves.iter().map(Relation::oid).collect();
    let is_new = |oid: &pg_sys::Oid| {
        !known.contains(oid) && pg::look_unlocked(*oid) != pg::Unlocked::PartitionedTable
    };
    if !pg::inheritors_unlocked(root).iter().any(is_new) {
        return Ok(());
    }
    let (now, between) = pg::reached(root, LockMode::RowExclusive);
    check_children(root, criterion, rule, now.iter().chain(&between))
}

/// Those of a child's tables, itself and what is below it, of which the filter does not say whether their rows are meant. That it
/// says so of others is nothing: an archive may come later. A partitioned table has no rows of its own.
fn not_said_of(
    root: &Relation,
    criterion: &Criterion,
    child: &Relation,
) -> Result<Vec<u32>, Refusal> {
    let mut tables = pg::inheritors_unlocked(child);
    tables.retain(|oid| pg::look_unlocked(*oid) != pg::Unlocked::PartitionedTable);
    let mut not_said = Vec::new();
    for oid in tables {
        let is_named = |filter: &pg::Expression| filter.references.tables.contains(&oid);
        let is_said = criterion.filter.as_ref().is_some_and(is_named)
            || match &criterion.filter_text {
                Some(filter) => pg::excludes_table(root, filter, oid)?,
                None => false,
            };
        if !is_said {
            not_said.push(u32::from(oid));
        }
    }
    Ok(not_said)
}

/// The children, but for partitions, whose rows may be meant to stay, each with the reason, of a table whose column was named.
fn doubtful<'a>(
    root: &Relation,
    below: impl IntoIterator<Item = &'a Relation>,
) -> Vec<(&'a Relation, Doubt)> {
    let known = columns(&root.attributes());
    let of = |child: &'a Relation| {
        let doubt = doubt_of_child(
            None,
            &child.schema(),
            &child.name(),
            &further(child, &known),
        )?;
        Some((child, doubt))
    };
    let below = below.into_iter().filter(|child| child.oid() != root.oid());
    let below = below.filter(|child| !child.is_partition());
    below.filter_map(of).collect()
}

/// The same as `schema.table (reason)`.
pub fn doubtful_children<'a>(
    root: &Relation,
    below: impl IntoIterator<Item = &'a Relation>,
) -> Vec<String> {
    let all = doubtful(root, below).into_iter();
    all.map(|(child, doubt)| format!("{} ({})", child.qualified_name(), doubt.reason()))
        .collect()
}

/// The same, by their oids: what a policy whose column was named was made in spite of.
pub fn doubtful_oids<'a>(
    root: &Relation,
    below: impl IntoIterator<Item = &'a Relation>,
) -> BTreeSet<u32> {
    let all = doubtful(root, below).into_iter();
    all.map(|(child, _)| u32::from(child.oid())).collect()
}

/// Refuses (55000) children whose rows have come to be such since a policy was made.
fn check_since_scheduled<'a>(
    root: &Relation,
    criterion: &Criterion,
    rule: &Rule,
    below: impl IntoIterator<Item = &'a Relation>,
) -> Result<(), Refusal> {
    let Some(known) = rule.meant.as_ref().and_then(Meant::doubtful_children) else {
        return Ok(());
    };
    let mut all = doubtful(root, below);
    all.retain(|(child, _)| !known.contains(&u32::from(child.oid())));
    for (child, doubt) in all {
        let not_said = not_said_of(root, criterion, child)?;
        if !not_said.is_empty() {
            let but = format!(
                ", but {}, which was not so when the table was scheduled",
                doubt.reason()
            );
            let left_alone = not_said.into_iter().collect();
            return Err(may_stay(root, child, &but, rule, &left_alone).of_meaning());
        }
    }
    Ok(())
}

fn may_stay(
    root: &Relation,
    child: &Relation,
    but: &str,
    rule: &Rule,
    left_alone: &BTreeSet<u32>,
) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "rows of table \"{}\", which is a child of table \"{}\", may be meant to stay",
            child.name(),
            root.name()
        ),
    )
    .detail(format!("It is cleared with its parent{but}."))
    .hint(hint(root, rule, left_alone))
}

/// The columns that a parent with these has not.
fn further(child: &Relation, known: &[Column]) -> Vec<Column> {
    let mut further = columns(&child.attributes());
    further.retain(|column| !known.iter().any(|known| known.name == column.name));
    further
}

fn check<'a>(
    root: &Relation,
    framework: &'static Framework,
    criterion: &Criterion,
    rule: &Rule,
    below: impl IntoIterator<Item = &'a Relation>,
) -> Result<(), Refusal> {
    let mut known = None;
    let mut first = None;
    // With what is below them: rows are in leaves only, and have their oids.
    let mut left_alone = BTreeSet::new();
    for child in below {
        if child.oid() == root.oid() {
            continue;
        }
        let name = child.name();
        let doubt = if child.is_partition() {
            // Its columns are its parent's.
            doubt_of_child(Some(framework), &child.schema(), of_partition(&name), &[])
        } else {
            let known = known.get_or_insert_with(|| columns(&root.attributes()));
            doubt_of_child(
                Some(framework),
                &child.schema(),
                &name,
                &further(child, known),
            )
        };
        if let Some(doubt) = doubt {
            let not_said = not_said_of(root, criterion, child)?;
            if !not_said.is_empty() {
                left_alone.extend(not_said);
                first.get_or_insert((child, doubt));
            }
        }
    }
    match first {
        Some((child, doubt)) => {
            let but = format!(", a table of {}, but {}", framework.name, doubt.reason());
            Err(may_stay(root, child, &but, rule, &left_alone).of_meaning())
        }
        None => Ok(()),
    }
}

/// The call that leaves these tables alone.
fn hint(root: &Relation, rule: &Rule, tables: &BTreeSet<u32>) -> String {
    let names = tables.iter().filter_map(|oid| {
        let child = Relation::open((*oid).into(), LockMode::AccessShare)?;
        pg::is_leaf(&child).then(|| child.qualified_name())
    });
    let names: Vec<_> = names.take(NAMED + 1).collect();
    let say = "Say by a filter on \"tableoid\" which tables it is for.";
    if names.len() > NAMED {
        return say.to_owned();
    }
    let names: Vec<_> = names
        .into_iter()
        .map(|name| format!("{}::regclass", pgrx::spi::quote_literal(name)))
        .collect();
    let others = format!("tableoid NOT IN ({})", names.join(", "));
    let filter = match &rule.filter {
        Some(filter) => format!("({filter}) AND {others}"),
        None => others,
    };
    let attributes = root.attributes();
    let call = corrected_call(root, &attributes, rule, &[("filter", Some(filter))]);
    format!("{say} This one leaves those alone: {call}")
}
