//! The SQL functions behind the views raw_clear_sessions.status and raw_clear_sessions.progress.

use crate::pg::{self, Zone};
use crate::progress;
use crate::settings;
use crate::table;
use crate::worker::board::board;
use crate::worker::state;
use logic::due::{Past, next_start};
use logic::names::Databases;
use logic::number;
use logic::schedule::Schedule;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

/// When a table is due next; NULL where the worker does not keep the time, or never.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.next_start(
    "table" oid,
    schedule text,
    time_zone text,
    changed timestamptz,
    last_start timestamptz,
    last_end timestamptz,
    failures integer
) RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.next_start(oid, text, text, timestamptz, timestamptz, timestamptz, integer)
IS 'for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_next_start(
    table: Option<pg_sys::Oid>,
    schedule: Option<&[u8]>,
    zone: Option<&[u8]>,
    changed: Option<TimestampWithTimeZone>,
    last_start: Option<TimestampWithTimeZone>,
    last_end: Option<TimestampWithTimeZone>,
    failures: Option<i32>,
) -> Option<TimestampWithTimeZone> {
    let board = board()?;
    board.launcher().filter(|_| state::is_listed())?;
    let schedule = pg::exact_text("schedule", schedule);
    let zone = pg::exact_text("time_zone", zone);
    let schedule = Schedule::parse(&schedule.unwrap_or_else(settings::schedule)).ok()?;
    let zone = Zone::find(&zone.unwrap_or_else(|| board.zone()))?;
    let instant = |instant: TimestampWithTimeZone| instant.into_inner();
    let past = Past {
        since: changed.map_or(board.since(), |changed| board.since().max(instant(changed))),
        before: None,
        last_start: last_start.map(instant),
        last_end: last_end.map(instant),
        failures: failures.unwrap_or_default().max(0).unsigned_abs(),
        shortest: number::microseconds(settings::min_interval()),
        table: u32::from(table?),
    };
    let due = next_start(&schedule, &zone, past);
    TimestampWithTimeZone::try_from(due)
        .ok()
        .filter(|_| due != i64::MAX)
}

/// How many starts have been due since an instant, whether or not there is a worker to make them.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.starts_since(schedule text, time_zone text, since timestamptz) RETURNS integer
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.starts_since(text, text, timestamptz)
IS 'for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_starts_since(
    schedule: Option<&[u8]>,
    zone: Option<&[u8]>,
    since: Option<TimestampWithTimeZone>,
) -> Option<i32> {
    let schedule = pg::exact_text("schedule", schedule);
    let zone = pg::exact_text("time_zone", zone);
    let schedule = Schedule::parse(&schedule.unwrap_or_else(settings::schedule)).ok()?;
    let zone = zone
        .or_else(|| Some(board()?.zone()))
        .and_then(|name| Zone::find(&name))
        .unwrap_or_else(Zone::of_session);
    let starts = schedule.starts_between(since?.into_inner(), pg::now(), &zone);
    i32::try_from(starts).ok()
}

/// Whether the worker clears this database, and if not, why.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.worker_off() RETURNS text
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.worker_off()
IS 'why the worker does not work in this database and what to do about it; NULL if it does';
"#)]
fn raw_clear_sessions_worker_off() -> Option<String> {
    state::why_off().map(|off| format!("{}: {}", off.message, off.hint))
}

/// When the worker comes again after a failure.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.next_try() RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.next_try()
IS 'when the worker comes to this database again, which it leaves alone because it has failed there; NULL if it does not';
"#)]
fn raw_clear_sessions_next_try() -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(state::next_try()?).ok()
}

/// Whether the current role sees what the worker does with a table: it may read it, or is a monitoring role.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.visible("table" oid) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.visible(oid)
IS 'whether the current role sees what the worker does with a table';
"#)]
fn raw_clear_sessions_visible(table: Option<pg_sys::Oid>) -> bool {
    table.is_some_and(pg::may_see)
}

/// Whether the current role may read all of a table: it owns it, or may read every column and every row.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.reads_all("table" oid) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.reads_all(oid)
IS 'whether the current role may read all of a table, and so what errors say of its rows';
"#)]
fn raw_clear_sessions_reads_all(table: Option<pg_sys::Oid>) -> bool {
    table.is_some_and(pg::may_read_all)
}

/// Whether row-level security may hide rows of a table from its owner, as whom the worker acts.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.hides_rows("table" oid) RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.hides_rows(oid)
IS 'whether row-level security may hide rows of a table from its owner, for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_hides_rows(table: Option<pg_sys::Oid>) -> bool {
    table.is_some_and(table::hides_rows_from_owner)
}

/// That the clock was set back, as long as that matters.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.clock_note() RETURNS text
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.clock_note()
IS 'that the clock was set back, for the view raw_clear_sessions.status; NULL if it was not';
"#)]
fn raw_clear_sessions_clock_note() -> Option<String> {
    let instant = TimestampWithTimeZone::try_from(board()?.set_back()?).ok()?;
    Some(format!(
        "the clock of the server was ahead at {instant} and has been set back: what had been noted for later counts as of now"
    ))
}

/// Whether the process of a run does not react to a cancel.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.is_deaf(pid integer) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.is_deaf(integer)
IS 'whether a process of the worker''s does not react to a cancel, for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_is_deaf(pid: Option<i32>) -> bool {
    pid.is_some_and(|pid| board().is_some_and(|board| board.is_deaf(pid)))
}

/// Whether a transaction that has not ended has written what is noted of a table.
#[pg_extern(requires = ["tables"], sql = r#"
CREATE FUNCTION raw_clear_sessions.is_being_written("table" oid) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.is_being_written(oid)
IS 'whether an open transaction has called a function of the worker''s for a table, for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_is_being_written(table: Option<pg_sys::Oid>) -> bool {
    table.is_some_and(|table| !pg::states_being_written(&[table]).is_empty())
}

/// The names in the settings `databases` and `tables`.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.listed(OUT kind text, OUT schema text, OUT name text) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.listed()
IS 'for the view raw_clear_sessions.status';
"#)]
fn raw_clear_sessions_listed() -> TableIterator<
    'static,
    (
        name!(kind, &'static str),
        name!(schema, Option<String>),
        name!(name, String),
    ),
> {
    let mut rows = Vec::new();
    if let Databases::Listed(names) = settings::databases() {
        let lacks_extension = |name: &String| {
            let database = pg::database_named(name);
            let lacks =
                |database| board().is_some_and(|board| board.failures.lacks_extension(database));
            database.is_some_and(lacks)
        };
        let lacking = names.iter().filter(|name| lacks_extension(name)).cloned();
        rows.extend(lacking.map(|name| ("no extension", None, name)));
        rows.extend(names.into_iter().map(|name| ("database", None, name)));
    }
    let tables = settings::tables().into_iter();
    rows.extend(tables.map(|table| ("table", table.schema, table.name)));
    TableIterator::new(rows)
}

/// The clearings that are running in this database, of tables that the caller may see.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.running(
    OUT pid integer,
    OUT "table" oid,
    OUT phase text,
    OUT leaf oid,
    OUT blocks_total bigint,
    OUT blocks_done bigint,
    OUT percent double precision,
    OUT deleted bigint,
    OUT skipped bigint,
    OUT batches bigint,
    OUT waiting text,
    OUT started timestamptz,
    OUT estimated_end timestamptz,
    OUT by_worker boolean
) RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.running()
IS 'for the view raw_clear_sessions.progress';
"#)]
#[allow(
    clippy::type_complexity,
    reason = "one column of the result after the other"
)]
fn raw_clear_sessions_running() -> TableIterator<
    'static,
    (
        name!(pid, i32),
        name!(table, pg_sys::Oid),
        name!(phase, &'static str),
        name!(leaf, Option<pg_sys::Oid>),
        name!(blocks_total, i64),
        name!(blocks_done, i64),
        name!(percent, Option<f64>),
        name!(deleted, i64),
        name!(skipped, i64),
        name!(batches, i64),
        name!(waiting, Option<&'static str>),
        name!(started, Option<TimestampWithTimeZone>),
        name!(estimated_end, Option<TimestampWithTimeZone>),
        name!(by_worker, bool),
    ),
> {
    let here = pg::my_database();
    let rows = progress::running()
        .into_iter()
        .filter(move |running| running.database == here && pg::may_see(running.table));
    let instant = |instant: i64| TimestampWithTimeZone::try_from(instant).ok();
    TableIterator::new(rows.map(move |running| {
        let progress = &running.progress;
        (
            running.pid,
            running.table,
            running.phase(),
            progress.leaf,
            number::bigint(progress.blocks_total),
            number::bigint(progress.blocks_done),
            progress.percent(),
            number::bigint(progress.deleted),
            number::bigint(progress.skipped),
            number::bigint(progress.batches),
            running.waiting(),
            instant(running.started),
            running.estimated_end().and_then(instant),
            running.by_worker,
        )
    }))
}

extension_sql_file!(
    "../../sql/views.sql",
    name = "views",
    requires = [
        "tables",
        raw_clear_sessions_next_start,
        raw_clear_sessions_starts_since,
        raw_clear_sessions_worker_off,
        raw_clear_sessions_next_try,
        raw_clear_sessions_reads_all,
        raw_clear_sessions_hides_rows,
        raw_clear_sessions_clock_note,
        raw_clear_sessions_is_deaf,
        raw_clear_sessions_is_being_written,
        raw_clear_sessions_visible,
        raw_clear_sessions_listed,
        raw_clear_sessions_running,
        raw_clear_sessions_announce
    ]
);
