//! The table raw_clear_sessions.policy, and what is due by it and by the setting `tables`.

use super::board::{Board, board, waited};
use super::limits;
use crate::pg::{self, Argument, Keep, Zone};
use crate::run::Limits;
use crate::settings;
use crate::table::{Caller, Function, Meant, Rule};
use logic::due::{Past, next_start};
use logic::names::TableName;
use logic::number;
use logic::schedule::Schedule;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A policy: how and when a table is cleared. What is missing is recognized, or as the settings say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    pub repack_above: Option<f64>,
    pub schedule_time_zone: Option<String>,
    pub meant: Option<Meant>,
}

/// The columns of the table, but for the table itself.
pub(super) const COLUMNS: [&str; 13] = [
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
    "repack_above",
    "schedule_time_zone",
    "meant",
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
            meant: self.meant.clone(),
            caller: self.caller(),
        }
    }

    /// The call that has made it, or would.
    fn caller(&self) -> Caller {
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        Caller::of(
            Function::Schedule,
            [
                ("schedule", self.schedule.clone()),
                ("batch_size", self.batch_size.map(|rows| rows.to_string())),
                ("max_rows", self.max_rows.map(|rows| rows.to_string())),
                ("max_duration", self.max_duration.clone()),
                ("rewrite_above", number(self.rewrite_above)),
                ("repack_above", number(self.repack_above)),
                ("schedule_time_zone", self.schedule_time_zone.clone()),
            ],
        )
    }

    /// The expired fraction above which the table is rewritten; `None`: never.
    pub fn rewrite_above(&self) -> Option<f64> {
        let fraction = self.rewrite_above.unwrap_or_else(settings::rewrite_above);
        (fraction > 0.0).then_some(fraction)
    }

    /// The unused fraction above which the table is repacked; `None`: never.
    pub fn repack_above(&self) -> Option<f64> {
        let fraction = self.repack_above.unwrap_or_else(settings::repack_above);
        (fraction > 0.0).then_some(fraction)
    }

    /// The policy's limits, and for the rest the settings.
    pub fn limits(&self) -> Limits {
        let mut limits = limits::of_worker();
        if let Some(rows) = self.batch_size {
            limits.batch_size = rows.max(1).unsigned_abs().into();
        }
        limits.max_rows = self.max_rows.map(number::count);
        if let Some(duration) = self.max_duration.as_deref() {
            let duration = Keep::parse(duration).duration();
            let administrators = limits.max_duration;
            limits.max_duration = Some(administrators.map_or(duration, |most| most.min(duration)));
        }
        limits
    }
}

/// A table that is to be cleared, and when.
#[derive(Clone, Debug)]
pub struct Due {
    pub table: pg_sys::Oid,
    pub next_start: i64,
    /// When it would be due again if a run of it had begun and ended now.
    pub after: i64,
    /// By a cron expression: once it has passed, nothing but a mark says that it is due.
    pub by_clock: bool,
    /// When its last run that was not interrupted began or ended; `i64::MIN`: there is none.
    pub last_turn: i64,
    /// When a run of it last ended its worker's process, or the process in the middle of it.
    pub lost_turn: Option<i64>,
    /// Whose it is, once that has been looked up.
    pub owner: pg_sys::Oid,
}

/// Microseconds from the Unix epoch to 2000-01-01.
pub(super) const EPOCH_DIFFERENCE: i64 = 946_684_800_000_000;

/// After which time to look again at a table that is due, and that another transaction, which may be rolled back, is at: at its
/// row, or clearing it.
pub const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// All tables that are to be cleared in this database, but for those that other workers are at. What is due is not due for now
/// while another transaction is at its row, after [`super::scheduling::run_now`] for one: what its run comes to could not be
/// written down.
pub fn due(schema: &str) -> Vec<Due> {
    let Some(board) = board() else {
        return Vec::new();
    };
    let instant = |column: &str| {
        format!("(extract(epoch FROM s.{column}) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8")
    };
    let rows = pg::query_own(
        &format!(
            "SELECT s.\"table\", s.schedule, s.schedule_time_zone, \
             {}, {}, {}, s.failures, s.run_now \
             FROM {schema}.scheduled s \
             WHERE s.suspended IS NULL AND NOT s.restored AND s.recovery IS NULL AND s.subscription IS NULL",
            instant("changed"),
            instant("last_start"),
            instant("last_end"),
        ),
        &[],
    );
    let mut schedules = Schedules::default();
    let due = rows.into_iter().filter_map(|row| schedules.due(row, board));
    // Read after the rows: of a table that another worker has let go in between, its run looks once more.
    let taken = board.claimed_elsewhere();
    let mut all: Vec<_> = due.filter(|due| !taken.contains(&due.table)).collect();
    let now = pg::now();
    let due_now = all.iter().filter(|due| due.next_start <= now);
    let due_now: Vec<_> = due_now.map(|due| due.table).collect();
    let locked: HashSet<_> = pg::states_being_written(&due_now).into_iter().collect();
    for due in &mut all {
        if locked.contains(&due.table) {
            due.next_start = now + number::microseconds(LOOK_AGAIN);
        }
    }
    all
}

/// A row of the query in [`due`]: a table, its schedule and the zone of that, when its policy was changed, its last run began
/// and ended, its failures, and whether it is to be cleared at once.
type Scheduled = (
    u32,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    u32,
    bool,
);

/// What many tables have in common is read once.
#[derive(Default)]
struct Schedules {
    schedules: HashMap<Option<String>, Option<Schedule>>,
    zones: HashMap<Option<String>, Option<Zone>>,
}

impl Schedules {
    /// A row of the query in `due`; `None` where its schedule is none (any more).
    fn due(&mut self, row: Scheduled, board: &Board) -> Option<Due> {
        let (table, schedule, zone, changed, last_start, last_end, failures, run_now) = row;
        let instant = |unix: Option<i64>| Some(unix? - EPOCH_DIFFERENCE);
        let schedule = self
            .schedules
            .entry(schedule)
            .or_insert_with_key(|text| {
                Schedule::parse(&text.clone().unwrap_or_else(settings::schedule)).ok()
            })
            .as_ref()?;
        let zone = self
            .zones
            .entry(zone)
            .or_insert_with_key(|name| Zone::find(&name.clone().unwrap_or_else(|| board.zone())))
            .as_ref()?;
        let (changed, last_start, last_end) =
            (instant(changed), instant(last_start), instant(last_end));
        // Of a table that nothing is known of, nobody can tell whether it was to be cleared then.
        let before = waited().filter(|_| changed.or(last_end).is_some());
        let past = Past {
            since: changed.map_or(board.since(), |changed| board.since().max(changed)),
            before: before.map(|(from, until)| (changed.map_or(from, |at| from.max(at)), until)),
            last_start,
            last_end,
            failures,
            shortest: number::microseconds(settings::min_interval()),
            table,
        };
        let now = Some(pg::now());
        let done = Past {
            last_start: now,
            last_end: now,
            failures: 0,
            ..past
        };
        Some(Due {
            table: table.into(),
            after: next_start(schedule, zone, done),
            by_clock: matches!(schedule, Schedule::Cron(_)) && !run_now,
            owner: pg_sys::InvalidOid,
            last_turn: last_end.max(last_start).unwrap_or(i64::MIN),
            lost_turn: board.lost_turn(pg::my_database(), table.into()),
            next_start: if run_now {
                i64::MIN
            } else {
                next_start(schedule, zone, past)
            },
        })
    }
}

/// As [`Due::last_turn`], now. In a transaction.
pub fn last_turn(schema: &str, table: pg_sys::Oid) -> i64 {
    let rows = pg::query_own(
        &format!(
            "SELECT (extract(epoch FROM greatest(s.last_start, s.last_end)) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 \
             FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid"
        ),
        &[Argument::oid(table)],
    );
    let unix: Option<i64> = rows.into_iter().next().flatten();
    unix.map_or(i64::MIN, |unix| unix - EPOCH_DIFFERENCE)
}

/// Marks tables as to be cleared at once, which they stay until a run of theirs ends: the instant by which a cron
/// expression has them due counts only as long as this process remembers it. Those are left out at whose rows another
/// transaction is: they are not cleared as long as it lasts.
pub fn mark_due(schema: &str, tables: &[pg_sys::Oid]) {
    let locked = pg::states_being_written(tables);
    let free = tables.iter().filter(|table| !locked.contains(table));
    let free: Vec<_> = free.copied().collect();
    if free.is_empty() {
        return;
    }
    pg::modify_own(
        &format!(
            "WITH free AS (SELECT s.\"table\" FROM {schema}.state s \
             WHERE s.\"table\" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[]) AND s.run_now IS NULL FOR UPDATE SKIP LOCKED), \
             marked AS (UPDATE {schema}.state s SET run_now = pg_catalog.clock_timestamp() FROM free f \
             WHERE s.\"table\" OPERATOR(pg_catalog.=) f.\"table\") \
             INSERT INTO {schema}.state (\"table\", name, owner, run_now) \
             SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner, pg_catalog.clock_timestamp() \
             FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[]) \
             AND NOT EXISTS (SELECT FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) c.oid) \
             ORDER BY c.oid ON CONFLICT (\"table\") DO NOTHING"
        ),
        &[Argument::oids(&free)],
    );
}

/// What a table is cleared by: its policy, or for one of the setting `tables` an empty policy; `None` where it is not
/// to be cleared (any more), its policy rests, or a subscription writes it.
///
/// A run asks for it whenever the policy may be another one than it has read, in a database with subscriptions in each batch:
/// so it is not a query of the view raw_clear_sessions.scheduled, which takes twenty times as long.
pub fn find(schema: &str, table: pg_sys::Oid) -> Option<Policy> {
    let rows = pg::query_own(
        &format!(
            "SELECT pg_catalog.to_jsonb(p), p.suspended IS NULL AND p.installation OPERATOR(pg_catalog.=) \
             {schema}.installation(), EXISTS ({IS_WRITTEN}) \
             FROM (VALUES ($1::pg_catalog.oid)) AS t (oid) \
             LEFT JOIN {schema}.policy p ON p.\"table\" OPERATOR(pg_catalog.=) t.oid"
        ),
        &[Argument::oid(table)],
    );
    let (json, active, is_subscribed): (Option<String>, Option<bool>, bool) =
        rows.into_iter().next()?;
    if is_subscribed {
        return None;
    }
    match json {
        Some(json) => serde_json::from_str(&json)
            .ok()
            .filter(|_| active == Some(true)),
        None => is_listed(table).then(Policy::default),
    }
}

/// A query of what subscriptions write of `t.oid`, of what is cleared with it, and of what it is a part of: through a table that
/// has partitions or children its subscription writes them, and the other way round. Enabled or not: one that is disabled goes on
/// later, and does not find the sessions that were deleted here and renewed there.
const IS_WRITTEN: &str = "WITH RECURSIVE \
     down (oid) AS (SELECT t.oid UNION SELECT i.inhrelid FROM down \
     JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) down.oid), \
     up (oid) AS (SELECT t.oid UNION SELECT i.inhparent FROM up \
     JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) up.oid) \
     SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid OPERATOR(pg_catalog.=) ANY ( \
     SELECT d.oid FROM down d UNION ALL SELECT u.oid FROM up u)";

/// As [`find`], whoever acts; as this transaction has it.
pub fn current(table: pg_sys::Oid) -> Option<Policy> {
    let (schema, owner) = pg::extension_schema()?;
    pg::as_owner_of_our_tables(owner, || find(&schema, table))
}

/// Whether the setting `tables` names a table; as the view raw_clear_sessions.scheduled has it.
pub(super) fn is_listed(table: pg_sys::Oid) -> bool {
    let tables = settings::tables();
    if tables.is_empty() {
        return false;
    }
    let rows = pg::query(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
         AND c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p', 'f']) \
         AND c.relpersistence::pg_catalog.text OPERATOR(pg_catalog.<>) 't' \
         AND n.nspname::pg_catalog.text OPERATOR(pg_catalog.<>) ALL \
         (ARRAY['pg_catalog', 'information_schema', 'pg_toast'])",
        &[Argument::oid(table)],
    );
    let found: Option<(String, String)> = rows.into_iter().next();
    found.is_some_and(|(schema, name)| {
        let is_its = |listed: &TableName| {
            listed
                .schema
                .as_ref()
                .is_none_or(|listed| *listed == schema)
        };
        tables
            .iter()
            .any(|listed| listed.name == name && is_its(listed))
    })
}

/// Removes the policies of tables that are gone, as far as nobody else is at them, and says so in the log. What they
/// said is kept for the view raw_clear_sessions.status, as long as the history: a table that has been built anew and
/// renamed has another oid.
///
/// `waiting`: tables that are gone, and whose policies stay for now. The catalog cache says what is gone:
/// `pg_table_is_visible` is NULL for nothing else.
pub fn remove_orphans(schema: &str, waiting: &[pg_sys::Oid]) {
    let is_gone = |oid| format!("pg_catalog.pg_table_is_visible({oid}) IS NULL");
    let lost: Vec<String> = pg::query_own(
        &format!(
            "WITH orphan AS (SELECT p.\"table\" FROM {schema}.policy p WHERE {} \
             AND p.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog._oid) \
             FOR UPDATE SKIP LOCKED), \
             free AS (SELECT s.\"table\" FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) ANY ( \
             SELECT o.\"table\"::pg_catalog.oid FROM orphan o) FOR UPDATE SKIP LOCKED), \
             gone AS (DELETE FROM {schema}.policy p USING orphan o \
             WHERE p.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) o.\"table\"::pg_catalog.oid \
             AND (EXISTS (SELECT FROM free f WHERE f.\"table\" OPERATOR(pg_catalog.=) o.\"table\"::pg_catalog.oid) \
             OR NOT EXISTS (SELECT FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) o.\"table\"::pg_catalog.oid)) \
             RETURNING p.*) \
             UPDATE {schema}.state s SET lost = pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(g)) \
             OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('gone', pg_catalog.now()) \
             FROM gone g WHERE s.\"table\" OPERATOR(pg_catalog.=) g.\"table\"::pg_catalog.oid RETURNING s.name",
            is_gone("p.\"table\"::pg_catalog.oid")
        ),
        &[Argument::oids(waiting)],
    );
    pg::modify_own(
        &format!(
            "DELETE FROM {schema}.state d WHERE d.\"table\" OPERATOR(pg_catalog.=) ANY (ARRAY( \
             SELECT s.\"table\" FROM {schema}.state s WHERE {} AND NOT EXISTS (SELECT FROM {schema}.policy o \
             WHERE o.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) s.\"table\") AND (s.lost IS NULL \
             OR (s.lost OPERATOR(pg_catalog.->>) 'gone')::pg_catalog.timestamptz OPERATOR(pg_catalog.<) \
             (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $1::pg_catalog.float8)) \
             OR EXISTS (SELECT FROM {schema}.policy p \
             WHERE p.\"table\" OPERATOR(pg_catalog.=) pg_catalog.to_regclass(s.name))) FOR UPDATE SKIP LOCKED))",
            is_gone("s.\"table\"")
        ),
        &[Argument::integer(number::bigint(
            settings::history().as_secs(),
        ))],
    );
    for name in lost {
        pg::log(
            &format!("table {name}, which had a policy, has gone, and its policy with it"),
            None,
            Some(
                "If another table has taken its place, schedule that one; the view raw_clear_sessions.status has the call.",
            ),
        );
    }
}
