//! The dry run: what a call would do, and why, as JSON.
//!
//! It takes the way of the call itself up to the deletion, so that it refuses what the call would refuse. It needs no
//! more than SELECT, and works in a read-only transaction and on a standby.

mod ways;

use self::ways::Ways;
use crate::pg::{self, LockMode, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::rule::kind::Kind;
use crate::target::{
    self, Checked, Criterion, Method, Plan, Purpose, Rule, Target, Value, estimate_all,
    estimate_expired,
};
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
    /// The zone of a timestamp without time zone or a date.
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
    /// Whether the rows have been counted; otherwise they are the planner's estimates.
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
    expired_rows: i64,
}

/// Makes the preview; refuses what the call would refuse, but for the privilege to delete.
pub fn make(table: Option<pg_sys::Oid>, rule: &Rule, exact: bool) -> Result<Preview, Refusal> {
    let checked = Checked::open(table, rule, Purpose::Preview)?;
    let target = Target::plan(checked);
    let (relation, criterion) = (target.root(), target.criterion());
    let index = usable_index(&target);
    let counts = if exact {
        count(relation, criterion)
    } else {
        let estimate = estimate_expired(target.checked());
        let total_rows = estimate_all(target.checked()).rows as i64;
        Counts {
            expired_rows: (estimate.rows as i64).min(total_rows),
            total_rows,
            oldest: index
                .is_some()
                .then(|| oldest(relation, criterion))
                .flatten(),
        }
    };
    let table_bytes = pg::leaves(relation, LockMode::AccessShare)
        .iter()
        .map(Relation::table_bytes)
        .sum();
    let reusable_bytes = reusable(table_bytes, &counts);
    let (ways, advice, expired_fraction) = ways::ways(target.checked(), &counts, exact);
    let (engine, why) = summary(target.by());
    let [cutoff, expired_below] = cutoff_text(criterion);
    Ok(Preview {
        table: relation.qualified_name(),
        framework: criterion.framework.map(|framework| framework.name),
        expires: criterion.text.clone(),
        r#type: criterion.kind.sql_name(),
        unit: criterion.unit.map(|unit| unit.name()),
        time_zone: criterion.zone.as_ref().map(|zone| zone.name().to_owned()),
        keep: criterion.keep.text(),
        filter: criterion.filter_text.clone(),
        cutoff,
        expired_below,
        engine,
        why,
        leaves: leaves(&target),
        exact,
        expired_rows: counts.expired_rows,
        total_rows: counts.total_rows,
        oldest_expired: counts.oldest,
        ways,
        advice: advice.way,
        advice_why: advice.why,
        warnings: warnings(relation, criterion, index.as_deref(), expired_fraction),
        index,
        table_bytes,
        reusable_bytes,
    })
}

struct Counts {
    expired_rows: i64,
    total_rows: i64,
    oldest: Option<String>,
}

fn reusable(table_bytes: i64, counts: &Counts) -> i64 {
    if counts.total_rows == 0 {
        return 0;
    }
    let fraction = counts.expired_rows as f64 / counts.total_rows as f64;
    (table_bytes as f64 * fraction) as i64
}

/// Counts by reading the whole table once.
fn count(relation: &Relation, criterion: &Criterion) -> Counts {
    let (condition, arguments) = criterion.condition();
    let least = format!(
        "pg_catalog.min({}) FILTER (WHERE {condition})",
        criterion.sql
    );
    let least = instant(criterion, &least);
    let statement = |name: &str| {
        format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE {condition}), pg_catalog.count(*), \
             {least} FROM {name} AS {TABLE_ALIAS}"
        )
    };
    let row = first_of(pg::query_on(relation, statement, &arguments));
    let number = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
    Counts {
        expired_rows: number(&row[0]),
        total_rows: number(&row[1]),
        oldest: row[2].clone(),
    }
}

/// The first instant among the expired rows: quick with an index on it.
fn oldest(relation: &Relation, criterion: &Criterion) -> Option<String> {
    let (condition, arguments) = criterion.condition();
    let least = instant(criterion, &format!("pg_catalog.min({})", criterion.sql));
    let statement =
        |name: &str| format!("SELECT {least} FROM {name} AS {TABLE_ALIAS} WHERE {condition}");
    first_of(pg::query_on(relation, statement, &arguments)).swap_remove(0)
}

/// A value of the criterion's kind as an instant, in SQL.
fn instant(criterion: &Criterion, value: &str) -> String {
    let instant = match (criterion.kind, criterion.unit, &criterion.zone) {
        (Kind::TimestampTz, _, _) => value.to_owned(),
        (_, Some(unit), _) => format!(
            "pg_catalog.to_timestamp(({value})::pg_catalog.float8 / {})",
            1_000_000 / unit.microseconds()
        ),
        (_, _, Some(zone)) => format!(
            "pg_catalog.timezone({}, ({value})::pg_catalog.timestamp)",
            pgrx::spi::quote_literal(zone.name())
        ),
        _ => unreachable!("a kind has what it needs: a unit, a zone or neither"),
    };
    format!("pg_catalog.to_json({instant}) #>> '{{}}'")
}

/// The cut-off as an instant and in the terms of the value.
fn cutoff_text(criterion: &Criterion) -> [Option<String>; 2] {
    let below = criterion.cutoff_argument();
    let instant = pg::Argument {
        type_oid: pg_sys::TIMESTAMPTZOID,
        value: criterion.cutoff.into(),
    };
    let mut row = first_of(pg::query(
        "SELECT pg_catalog.to_json($1) #>> '{}', pg_catalog.to_json($2) #>> '{}'",
        &[instant, below],
    ));
    let below = row.pop().flatten();
    [row.pop().flatten(), below]
}

fn first_of(rows: pg::Rows) -> Vec<Option<String>> {
    rows.into_iter()
        .next()
        .expect("the statement returns one row")
}

fn engine_of(leaf: &target::Leaf) -> &'static str {
    match leaf.method() {
        Method::Raw { .. } => "raw",
        Method::Sql => "sql",
        Method::Nothing => "none",
    }
}

fn index_of(leaf: &target::Leaf) -> Option<String> {
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

fn leaves(target: &Target) -> Vec<Leaf> {
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
            expired_rows: leaf.decision().rows as i64,
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

/// Above this fraction of expired rows, what the column means is worth a second look.
const NEARLY_ALL: f64 = 0.95;

fn warnings(
    relation: &Relation,
    criterion: &Criterion,
    index: Option<&str>,
    expired_fraction: f64,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if expired_fraction >= NEARLY_ALL {
        warnings.push(format!(
            "nearly all rows would be deleted: see whether {} says when a row expires, and not when it was last used or created",
            criterion.text
        ));
    }
    if let Some(note) = criterion.framework.and_then(|framework| framework.note) {
        warnings.push(note.to_owned());
    }
    if !pg::has_privilege(relation, Privilege::Delete) {
        warnings.push("you have no DELETE privilege on the table".to_owned());
    }
    if index.is_none() {
        warnings.push(format!(
            "no index leads with {}: each call reads the whole table",
            criterion.text
        ));
    }
    warnings
}
