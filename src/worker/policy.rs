//! The table raw_clear_sessions.policy, and what is due by it and by the setting `tables`.

use super::board::board;
use super::schedule::Schedule;
use crate::pg::{self, ActingAs, Argument, Keep, LocalSetting, LockMode};
use crate::refusal::Refusal;
use crate::run::Limits;
use crate::settings;
use crate::target::{self, Criterion, Rule};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};

/// A policy: how and when a table is cleared. What is missing is recognized, or as the settings say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Policy {
    pub schedule: Option<String>,
    pub expires: Option<String>,
    pub keep: Option<String>,
    pub unit: Option<String>,
    pub time_zone: Option<String>,
    pub filter: Option<String>,
    pub batch_size: Option<i32>,
    pub max_rows: Option<i64>,
    pub max_duration: Option<String>,
    pub rewrite_above: Option<f64>,
}

/// The columns of the table, but for the table itself.
const COLUMNS: [&str; 10] = [
    "schedule",
    "expires",
    "keep",
    "unit",
    "time_zone",
    "filter",
    "batch_size",
    "max_rows",
    "max_duration",
    "rewrite_above",
];

impl Policy {
    /// ERROR where `keep` is no interval.
    pub fn rule(&self) -> Rule {
        Rule {
            expires: self.expires.clone(),
            keep: self.keep.as_deref().map(Keep::parse),
            unit: self.unit.clone(),
            time_zone: self.time_zone.clone(),
            filter: self.filter.clone(),
        }
    }

    /// The expired fraction above which the table is rewritten; `None`: never.
    pub fn rewrite_above(&self) -> Option<f64> {
        let fraction = self.rewrite_above.unwrap_or_else(settings::rewrite_above);
        (fraction > 0.0).then_some(fraction)
    }

    /// The policy's limits, and for the rest the settings.
    pub fn limits(&self) -> Limits {
        let mut limits = settings::limits();
        if let Some(rows) = self.batch_size {
            limits.batch_size = rows.max(1) as u64;
        }
        limits.max_rows = self.max_rows.map(|rows| rows.max(0) as u64);
        if let Some(duration) = self.max_duration.as_deref() {
            limits.max_duration = Some(Keep::parse(duration).duration());
        }
        limits
    }
}

fn oid(table: pg_sys::Oid) -> Argument {
    Argument::integer(u32::from(table).into())
}

fn not_installed() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        "extension \"raw_clear_sessions\" is not installed in this database",
    )
}

/// Refuses (42501) where the current role does not own the table.
pub fn check_owns(table: pg_sys::Oid, name: &str) -> Result<(), Refusal> {
    if pg::owns(table) {
        return Ok(());
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of table {name}"),
    ))
}

/// Makes a policy for a table, in place of the one that it may have. Refuses what the worker could not carry out.
pub fn schedule(table: Option<pg_sys::Oid>, policy: &Policy) -> Result<(), Refusal> {
    let relation = target::open(table, LockMode::AccessShare)?;
    check_owns(relation.oid(), &relation.name())?;
    let relation = target::open(Some(relation.oid()), LockMode::RowExclusive)?;
    if relation.is_temporary() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("cannot schedule temporary table \"{}\"", relation.name()),
        )
        .detail("Another session, such as the worker's, cannot see its rows."));
    }
    if let Some(text) = &policy.schedule {
        Schedule::parse(text)?;
    }
    check_limits(policy)?;
    {
        // Names in expressions have to mean what they will mean to the worker.
        let _path = LocalSetting::set(&[(c"search_path", c"pg_catalog, pg_temp")]);
        let criterion = Criterion::resolve(&relation, &policy.rule())?;
        target::check_may_read(&relation, &criterion)?;
    }
    let (schema, owner) = pg::extension_schema().ok_or_else(not_installed)?;
    let columns = COLUMNS.join(", ");
    let updates = COLUMNS
        .map(|column| format!("{column} = EXCLUDED.{column}"))
        .join(", ");
    let json = serde_json::to_string(policy).expect("plain data becomes JSON");
    change(owner, || {
        pg::modify_own(
            &format!(
                "INSERT INTO {schema}.policy (\"table\", {columns}) \
                 SELECT $1::pg_catalog.oid, {columns} \
                 FROM pg_catalog.jsonb_populate_record(NULL::{schema}.policy, $2::pg_catalog.jsonb) \
                 ON CONFLICT (\"table\") DO UPDATE SET changed = pg_catalog.now(), {updates}"
            ),
            &[oid(relation.oid()), Argument::text(&json)],
        );
    });
    Ok(())
}

fn check_limits(policy: &Policy) -> Result<(), Refusal> {
    let duration = policy.max_duration.as_deref().map(Keep::parse);
    let wrong = if policy.batch_size.is_some_and(|rows| rows < 1) {
        "batch_size"
    } else if policy.max_rows.is_some_and(|rows| rows < 1) {
        "max_rows"
    } else if duration.is_some_and(|duration| duration.duration().is_zero()) {
        "max_duration"
    } else if policy
        .rewrite_above
        .is_some_and(|fraction| !(0.0..=1.0).contains(&fraction))
    {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "rewrite_above must be between 0 and 1",
        )
        .hint("It is a fraction of the table's rows; 0 means never to rewrite."));
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{wrong} must be greater than zero"),
    )
    .hint(format!("Leave out {wrong} for the default.")))
}

/// Removes a table's policy; false where there is none.
pub fn unschedule(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = table.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "table must not be NULL",
        )
    })?;
    // The policy of a table that is gone is anybody's to remove; it will never be used again.
    if pg::owner(table).is_some() {
        check_owns(table, &pg::relation_name(table))?;
    }
    let (schema, owner) = pg::extension_schema().ok_or_else(not_installed)?;
    let removed = change(owner, || {
        pg::modify_own(
            &format!(
                "DELETE FROM {schema}.policy WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
            ),
            &[oid(table)],
        )
    });
    Ok(removed > 0)
}

/// Changes the table of policies, with its owner's rights, and tells the launcher when that is committed.
fn change<T>(owner: pg_sys::Oid, statement: impl FnOnce() -> T) -> T {
    let acting = ActingAs::owner_of_our_tables(owner);
    let outcome = {
        let _path = LocalSetting::set(&[(c"search_path", c"pg_catalog, pg_temp")]);
        statement()
    };
    acting.end();
    announce();
    outcome
}

/// Has the launcher look at this database when the transaction is committed.
pub fn announce() {
    let database = pg::my_database();
    pg::on_commit(move || {
        if let Some(board) = board() {
            board.report_change(database);
        }
    });
}

/// A table that is to be cleared, and when.
#[derive(Clone, Debug)]
pub struct Due {
    pub table: pg_sys::Oid,
    /// Qualified and quoted.
    pub name: String,
    pub next_start: i64,
}

/// Microseconds from the Unix epoch to 2000-01-01.
const EPOCH_DIFFERENCE: i64 = 946_684_800_000_000;

/// All tables that are to be cleared in this database, the first due first.
pub fn due(schema: &str) -> Vec<Due> {
    let rows = pg::query_own(
        &format!(
            "SELECT s.\"table\"::pg_catalog.oid, \
             (extract(epoch FROM s.next_start) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8, \
             o.identity \
             FROM {schema}.status s \
             CROSS JOIN LATERAL pg_catalog.pg_identify_object(\
             'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, s.\"table\"::pg_catalog.oid, 0) o \
             WHERE s.next_start IS NOT NULL \
             ORDER BY s.next_start, s.\"table\"::pg_catalog.oid"
        ),
        &[],
    );
    rows.into_iter()
        .filter_map(|row| {
            let mut columns = row.into_iter().flatten();
            let table: u32 = columns.next()?.parse().ok()?;
            let next_start: i64 = columns.next()?.parse().ok()?;
            Some(Due {
                table: table.into(),
                next_start: next_start - EPOCH_DIFFERENCE,
                name: columns.next()?,
            })
        })
        .collect()
}

/// What a table is cleared by: its policy, or for one of the setting `tables` an empty policy; `None` where it is not
/// to be cleared (any more).
pub fn find(schema: &str, table: pg_sys::Oid) -> Option<Policy> {
    let rows = pg::query_own(
        &format!(
            "SELECT pg_catalog.to_jsonb(p) \
             FROM {schema}.status s LEFT JOIN {schema}.policy p \
             ON p.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) s.\"table\"::pg_catalog.oid \
             WHERE s.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
        ),
        &[oid(table)],
    );
    let json = rows.into_iter().flatten().next()?;
    Some(
        json.and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default(),
    )
}

/// Removes the policies of tables that are gone, as the catalog cache says: Citus hides the tables of its shards from a
/// scan of pg_class, and `pg_table_is_visible` is NULL only for what is not there.
pub fn remove_orphans(schema: &str) {
    pg::modify_own(
        &format!(
            "DELETE FROM {schema}.policy p \
             WHERE pg_catalog.pg_table_is_visible(p.\"table\"::pg_catalog.oid) IS NULL"
        ),
        &[],
    );
}
