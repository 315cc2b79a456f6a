//! The dry run: what a call would do, and why, as JSON.
//!
//! It takes the way of the call itself up to the deletion, so that it refuses what the call would refuse. It needs no
//! more than SELECT, and works in a read-only transaction and on a standby.

mod counts;
mod warnings;
mod ways;

use self::counts::Counts;
use self::warnings::warnings;
use self::ways::Ways;
use crate::pg::{self, LockMode, Relation};
use crate::refusal::Refusal;
use crate::table::{self, Checked, Criterion, Method, Plan, Purpose, Rule, Target, Value};
use logic::number;
use pgrx::pg_sys;
use serde::Serialize;

/// What `raw_clear_sessions_preview` returns; the fields in the order of reading.
#[derive(Serialize)]
pub struct Preview {
    /// The table, qualified.
    table: String,
    /// The framework that was recognized; null where the caller named the column.
    framework: Option<&'static str>,
    /// The column or expression that says when a row expires.
    expires: String,
    /// Its type.
    r#type: &'static str,
    /// The unit of a number.
    unit: Option<&'static str>,
    /// The zone of a timestamp without time zone or a date, and of an expression or a filter that depends on it.
    time_zone: Option<String>,
    /// How long past its instant a row is kept.
    keep: String,
    /// The further condition.
    filter: Option<String>,
    /// Rows whose instant is before this one are expired.
    cutoff: Option<String>,
    /// The same in the terms of `expires`.
    expired_below: Option<String>,
    /// raw, sql, or mixed over the leaves.
    engine: &'static str,
    why: String,
    /// The leaves, where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leaves: Vec<Leaf>,
    /// Whether the rows have been counted; otherwise those of a large table are estimated by a sample.
    exact: bool,
    expired_rows: i64,
    total_rows: i64,
    /// The instant at which the first row expired, where that could be told without reading the whole table.
    oldest_expired: Option<String>,
    /// An index with which expired rows can be found without reading the whole table.
    index: Option<String>,
    /// The size of the table without its indexes.
    table_bytes: i64,
    /// How much of it the expired rows take, roughly; it becomes free for new rows, not for the file system.
    reusable_bytes: i64,
    /// What each way of clearing the table would cost.
    ways: Ways,
    /// The way that is advised; null where there is nothing to do.
    advice: Option<&'static str>,
    advice_why: String,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Leaf {
    table: String,
    engine: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    why: String,
    /// Null where the caller may not read the whole table.
    expired_rows: Option<i64>,
}

/// Makes the preview; refuses what the call would refuse, but for the privilege to delete.
pub fn make(table: Option<pg_sys::Oid>, rule: &Rule, exact: bool) -> Result<Preview, Refusal> {
    let _apart = table::read_apart();
    let checked = Checked::open(table, rule, Purpose::Preview)?;
    let target = Target::plan(checked, rule)?;
    let (relation, criterion) = (target.root(), target.criterion());
    let index = usable_index(&target);
    let counts = counts::take(&target, exact, index.is_some());
    let size = table::size(relation);
    let table_bytes = size.table;
    let (ways, advice) = ways::ways(&target, &counts, size);
    let (engine, why) = summary(target.by());
    let [cutoff, expired_below] = cutoff_text(criterion);
    Ok(Preview {
        table: relation.qualified_name(),
        framework: criterion.framework.map(|framework| framework.name),
        expires: criterion.text.clone(),
        r#type: criterion.kind.sql_name(),
        unit: criterion.unit.map(|unit| unit.name()),
        time_zone: criterion.time_zone(),
        keep: criterion.keep.text(),
        filter: criterion.filter_text.clone(),
        cutoff,
        expired_below,
        engine,
        why,
        leaves: leaves(&target, &counts),
        exact,
        expired_rows: number::whole(counts.expired),
        total_rows: number::whole(counts.total),
        ways,
        advice: advice.way,
        advice_why: advice.why,
        warnings: warnings(&target, &counts, index.is_some(), exact),
        reusable_bytes: number::whole(table_bytes as f64 * counts.expired_fraction()),
        oldest_expired: counts.oldest,
        index,
        table_bytes,
    })
}

/// How much there is, without what is to be said of it.
#[derive(Serialize)]
pub struct Amounts {
    table_bytes: i64,
    total_rows: i64,
    expired_rows: i64,
    oldest_expired: Option<String>,
}

/// The same numbers as those of the preview. Refuses what that refuses.
pub fn amounts(table: pg_sys::Oid, rule: &Rule) -> Result<Amounts, Refusal> {
    let _apart = table::read_apart();
    let checked = Checked::open(Some(table), rule, Purpose::Preview)?;
    let target = Target::plan(checked, rule)?;
    let counts = counts::take(&target, false, usable_index(&target).is_some());
    Ok(Amounts {
        table_bytes: table::size(target.root()).table,
        total_rows: number::whole(counts.total),
        expired_rows: number::whole(counts.expired),
        oldest_expired: counts.oldest,
    })
}

/// Why a DELETE fails for the table access method of a leaf, where that is known to take none.
fn why_not_by_access_method(root: &Relation) -> Option<String> {
    pg::leaves(root, LockMode::AccessShare)
        .iter()
        .find(|leaf| pg::is_columnar_of_citus(leaf))
        .map(|leaf| {
            format!(
                "the table access method of {} takes no DELETE",
                leaf.qualified_name()
            )
        })
}

/// Why a DELETE fails for its replica identity, where a leaf that can have expired rows is published.
fn why_not_published(target: &Target) -> Option<String> {
    let why = |leaf: &Relation| {
        pg::why_not_published(leaf)
            .map(|why| format!("cannot delete from table {}: {why}", leaf.qualified_name()))
    };
    match target.by() {
        Plan::Leaves(leaves) => leaves
            .iter()
            .filter(|leaf| !matches!(leaf.method(), Method::Nothing))
            .find_map(|leaf| why(leaf.relation())),
        // A rule may make something else of it.
        Plan::Whole { .. } if target.root().has_delete_rule() => None,
        Plan::Whole { leaves, .. } => {
            let estimate = table::estimate_leaves(target.checked(), leaves);
            leaves
                .iter()
                .filter(|leaf| estimate.access(leaf).is_some())
                .find_map(why)
        }
    }
}

/// The cut-off as an instant and in the terms of the value.
fn cutoff_text(criterion: &Criterion) -> [Option<String>; 2] {
    let below = criterion.cutoff_argument();
    let instant = pg::Argument {
        type_oid: pg_sys::TIMESTAMPTZOID,
        value: criterion.cutoff.into(),
    };
    let (instant, below) = pg::query_one(
        "SELECT pg_catalog.to_json($1) #>> '{}', pg_catalog.to_json($2) #>> '{}'",
        &[instant, below],
    );
    [instant, below]
}

fn engine_of(leaf: &table::Leaf) -> &'static str {
    match leaf.method() {
        Method::Raw { .. } => "raw",
        Method::Sql => "sql",
        Method::Nothing => "none",
    }
}

fn index_of(leaf: &table::Leaf) -> Option<String> {
    leaf.index().map(|index| index.name.clone())
}

/// The engine of the whole, and the reason.
fn summary(plan: &Plan) -> (&'static str, String) {
    let leaves = match plan {
        Plan::Whole { why, .. } => return ("sql", why.clone()),
        Plan::Leaves(leaves) => leaves,
    };
    let mut engines = leaves
        .iter()
        .map(engine_of)
        .filter(|engine| *engine != "none");
    let Some(first) = engines.next() else {
        return ("none", "no leaf can have expired rows".to_owned());
    };
    if engines.any(|engine| engine != first) {
        return ("mixed", "see leaves".to_owned());
    }
    match &leaves[..] {
        [leaf] => (first, leaf.decision().why.clone()),
        _ => (first, "see leaves".to_owned()),
    }
}

fn leaves(target: &Target, counts: &Counts) -> Vec<Leaf> {
    let leaves = match target.by() {
        Plan::Leaves(leaves) => leaves,
        Plan::Whole { .. } => return Vec::new(),
    };
    if let [leaf] = &leaves[..]
        && leaf.relation().oid() == target.root().oid()
    {
        return Vec::new();
    }
    leaves
        .iter()
        .map(|leaf| Leaf {
            table: leaf.relation().qualified_name(),
            engine: engine_of(leaf),
            index: index_of(leaf),
            why: leaf.decision().why.clone(),
            expired_rows: counts.leaf(leaf.relation(), leaves.len()),
        })
        .collect()
}

/// The first index on the first leaf that leads with the column; the leaves of one table have the same indexes, as a
/// rule.
fn usable_index(target: &Target) -> Option<String> {
    if let Plan::Leaves(leaves) = target.by()
        && let Some(index) = leaves.iter().find_map(index_of)
    {
        return Some(index);
    }
    let Value::Column { name, .. } = &target.criterion().value else {
        return None;
    };
    let leaf = pg::leaves(target.root(), LockMode::AccessShare)
        .into_iter()
        .next()?;
    let attnum = leaf
        .attributes()
        .iter()
        .find(|attribute| attribute.name == *name)?
        .attnum;
    pg::BtreeIndex::on_column(&leaf, attnum)
        .into_iter()
        .next()
        .map(|index| index.name)
}
