//! The settings, all prefixed `raw_clear_sessions.`. A reload changes them all. The limits of a run can be set in any
//! session too, for the procedure; the worker goes by postgresql.conf, and by what its database or role has that is
//! stricter.

mod checks;
mod definitions;
mod limits;
mod refused;

pub use checks::no_repack;
pub use definitions::define;
pub use limits::{LIMITS, Limits};
pub use refused::refused;

use core::ffi::CStr;
use logic::names::{Databases, TableName, parse_databases, parse_tables};
use pgrx::PostgresGucEnum;
use pgrx::guc::{GucFlags, GucSetting};
use std::ffi::CString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// What removes the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Engine {
    /// The raw engine wherever it does the same as SQL's DELETE, SQL everywhere else.
    #[name = c"auto"]
    Auto,
    /// SQL's DELETE everywhere, so that it passes the executor and the extensions that watch it, for audits.
    #[name = c"sql"]
    Sql,
}

type Text = GucSetting<Option<CString>>;

/// Only superusers, and roles that were granted SET on it, can change it, because an audit may rely on it.
static ENGINE: GucSetting<Engine> = GucSetting::<Engine>::new(Engine::Auto);

static DATABASES: Text = Text::new(Some(c""));
static TABLES: Text = Text::new(Some(c""));
static SCHEDULE: Text = Text::new(Some(c"15 min"));
static WAL_COMPRESSION: Text = Text::new(Some(c"inherit"));
/// In seconds. With fractions, as the next: a whole number that is rounded to zero would be no limit.
static MAX_RUN_TIME: GucSetting<f64> = GucSetting::<f64>::new(0.0);
/// In milliseconds.
static BLOCKING_TIMEOUT: GucSetting<f64> = GucSetting::<f64>::new(60_000.0);
static PAUSED: GucSetting<bool> = GucSetting::<bool>::new(false);
static VACUUM: GucSetting<bool> = GucSetting::<bool>::new(false);
/// As vacuum_cost_delay, with fractions of a millisecond.
static COST_DELAY: GucSetting<f64> = GucSetting::<f64>::new(2.0);
static REWRITE_ABOVE: GucSetting<f64> = GucSetting::<f64>::new(0.0);
static REPACK_ABOVE: GucSetting<f64> = GucSetting::<f64>::new(0.0);

/// A setting that is a whole number.
struct Number {
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: GucSetting<i32>,
    range: (i32, i32),
    unit: GucFlags,
    /// The limits of a run are for the procedure too, and any session's to set; the others are the worker's.
    for_sessions: bool,
}

/// How many database workers there can be at a time; `max_workers` may be less.
pub const MOST_WORKERS: i32 = 64;

static BATCH_SIZE: Number = Number {
    name: c"raw_clear_sessions.batch_size",
    short: c"Sets how many rows are deleted in one transaction.",
    long: c"",
    setting: GucSetting::<i32>::new(500),
    range: (1, 1_000_000),
    unit: GucFlags::empty(),
    for_sessions: true,
};
static COST_LIMIT: Number = Number {
    name: c"raw_clear_sessions.cost_limit",
    short: c"Sets the cost after which a run sleeps.",
    long: c"In the units of vacuum_cost_page_hit, vacuum_cost_page_miss, and vacuum_cost_page_dirty. Zero means never.",
    setting: GucSetting::<i32>::new(200),
    range: (0, 10_000),
    unit: GucFlags::empty(),
    for_sessions: true,
};
static MAX_REPLICATION_LAG: Number = Number {
    name: c"raw_clear_sessions.max_replication_lag",
    short: c"Sets the replay lag of a replica above which a run waits.",
    long: c"-1 means that replicas are not looked at.",
    setting: GucSetting::<i32>::new(-1),
    range: (-1, i32::MAX),
    unit: GucFlags::UNIT_MS,
    for_sessions: true,
};
static MIN_INTERVAL: Number = Number {
    name: c"raw_clear_sessions.min_interval",
    short: c"Sets how long after the start of a run of a table the next may begin.",
    long: c"A policy whose schedule is shorter is carried out as often as this allows.",
    setting: GucSetting::<i32>::new(1),
    range: (1, i32::MAX),
    unit: GucFlags::UNIT_S,
    for_sessions: false,
};
static MAX_WORKERS: Number = Number {
    name: c"raw_clear_sessions.max_workers",
    short: c"Sets how many tables are cleared at a time, in one database or several.",
    long: c"Each takes a background worker, of which the server has max_worker_processes.",
    setting: GucSetting::<i32>::new(2),
    range: (1, MOST_WORKERS),
    unit: GucFlags::empty(),
    for_sessions: false,
};
static LOCK_TIMEOUT: Number = Number {
    name: c"raw_clear_sessions.lock_timeout",
    short: c"Sets how long a run waits for the lock on a table.",
    long: c"",
    setting: GucSetting::<i32>::new(1_000),
    range: (1, i32::MAX),
    unit: GucFlags::UNIT_MS,
    for_sessions: true,
};
static HISTORY: Number = Number {
    name: c"raw_clear_sessions.history",
    short: c"Sets how long raw_clear_sessions.run keeps a run.",
    long: c"",
    setting: GucSetting::<i32>::new(7 * 86_400),
    range: (0, i32::MAX),
    unit: GucFlags::UNIT_S,
    for_sessions: false,
};
static LOG_MIN_DURATION: Number = Number {
    name: c"raw_clear_sessions.log_min_duration",
    short: c"Sets the duration from which on a run is logged.",
    long: c"Zero logs every run that deletes something, -1 none.",
    setting: GucSetting::<i32>::new(600_000),
    range: (-1, i32::MAX),
    unit: GucFlags::UNIT_MS,
    for_sessions: false,
};

static PROGRESS_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(0);

static NUMBERS: [&Number; 8] = [
    &BATCH_SIZE,
    &COST_LIMIT,
    &MAX_REPLICATION_LAG,
    &MIN_INTERVAL,
    &MAX_WORKERS,
    &LOCK_TIMEOUT,
    &HISTORY,
    &LOG_MIN_DURATION,
];

impl Number {
    fn get(&self) -> i32 {
        self.setting.get()
    }

    /// `None` for -1.
    fn milliseconds(&self) -> Option<Duration> {
        u64::try_from(self.get()).ok().map(Duration::from_millis)
    }

    fn seconds(&self) -> Duration {
        Duration::from_secs(self.get().max(0).unsigned_abs().into())
    }
}

fn text(setting: &Text) -> String {
    setting
        .get()
        .map(|text| text.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A limit in seconds; `None` for zero, and for nothing else.
fn time_limit(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds).max(Duration::from_micros(1)))
}

/// `engine`: auto (default) or sql.
pub fn engine() -> Engine {
    ENGINE.get()
}

/// `databases`: the databases to work in; '' (default): the worker is off; '*': all that have the extension.
pub fn databases() -> Databases {
    parse_databases(&text(&DATABASES)).unwrap_or(Databases::None)
}

/// `tables`: the tables that are cleared by recognition alone, in each of those databases that has them.
pub fn tables() -> Vec<TableName> {
    parse_tables(&text(&TABLES)).unwrap_or_default()
}

/// `schedule`: an interval or a cron expression, for all tables whose policy has none of its own.
pub fn schedule() -> String {
    text(&SCHEDULE)
}

/// `paused`: the running batch ends, and nothing starts.
pub fn paused() -> bool {
    PAUSED.get()
}

/// `cost_delay`: the pace; zero: unlimited.
pub fn cost_delay() -> Duration {
    Duration::from_secs_f64(COST_DELAY.get().max(0.0) / 1_000.0)
}

/// `cost_limit`: the cost after which the worker sleeps `cost_delay`; zero: unlimited.
pub fn cost_limit() -> u32 {
    COST_LIMIT.get().max(0).unsigned_abs()
}

/// `max_workers`: database workers at a time.
pub fn max_workers() -> usize {
    MAX_WORKERS.get().max(1).unsigned_abs() as usize
}

/// `lock_timeout`: how long the worker waits for the lock on a table.
pub fn lock_timeout() -> Duration {
    LOCK_TIMEOUT.milliseconds().unwrap_or_default()
}

/// `rewrite_above`: the expired fraction of a table above which the worker rewrites it; zero: never.
pub fn rewrite_above() -> f64 {
    REWRITE_ABOVE.get()
}

/// `repack_above`: the unused fraction of a table above which the worker repacks it; zero: never.
pub fn repack_above() -> f64 {
    REPACK_ABOVE.get()
}

/// `history`: how long runs are kept.
pub fn history() -> Duration {
    HISTORY.seconds()
}

/// `blocking_timeout`: how long a statement may keep others waiting; `None`: without end.
pub fn blocking_timeout() -> Option<Duration> {
    time_limit(BLOCKING_TIMEOUT.get() / 1_000.0)
}

/// `max_run_time`: how long a run may take; `None`: until all expired rows are gone.
pub fn max_run_time() -> Option<Duration> {
    time_limit(MAX_RUN_TIME.get())
}

/// `min_interval`: how long after the start of a run the next may begin.
pub fn min_interval() -> Duration {
    MIN_INTERVAL.seconds()
}

/// `vacuum`: VACUUM a table after a run that left much to vacuum.
pub fn vacuum() -> bool {
    VACUUM.get()
}

/// `log_min_duration`: a run that took at least this long is logged; `None`: none is.
pub fn log_min_duration() -> Option<Duration> {
    LOG_MIN_DURATION.milliseconds()
}

/// `progress_interval`: how often a call tells its client how far it is; `None` (default): never.
pub fn progress_interval() -> Option<Duration> {
    let milliseconds = PROGRESS_INTERVAL.get();
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.unsigned_abs().into()))
}

/// `wal_compression`: what the setting of that name is for the worker's transactions; `None`: as for everybody.
pub fn wal_compression() -> Option<CString> {
    WAL_COMPRESSION
        .get()
        .filter(|value| value.as_c_str() != c"inherit")
}

/// What decides on when and where there is work: a change of it makes the launcher look at all databases anew.
pub fn timetable() -> [String; 4] {
    [
        text(&DATABASES),
        text(&TABLES),
        text(&SCHEDULE),
        paused().to_string(),
    ]
}

/// The same as a number, by which processes tell whether they have read the same postgresql.conf.
pub fn timetable_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    timetable().hash(&mut hasher);
    hasher.finish()
}
