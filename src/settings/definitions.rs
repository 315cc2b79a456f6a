//! Telling the server of the settings.

use super::checks::{
    DatabaseList, ProgressInterval, RepackAbove, ScheduleText, TableList, WalCompression,
};
use super::{
    BLOCKING_TIMEOUT, COST_DELAY, DATABASES, ENGINE, MAX_RUN_TIME, NUMBERS, PAUSED,
    PROGRESS_INTERVAL, REPACK_ABOVE, REWRITE_ABOVE, SCHEDULE, TABLES, VACUUM, WAL_COMPRESSION,
    refused,
};
use crate::pg::{
    self, define_checked_fraction, define_checked_number, define_checked_setting, list_flag,
};
use pgrx::guc::{GucContext, GucFlags, GucRegistry};

/// Defines the settings and reserves their prefix, so that a misspelt name is an ERROR in SET and a WARNING in
/// postgresql.conf.
pub fn define() {
    refused::remember_command_line();
    GucRegistry::define_enum_guc(
        c"raw_clear_sessions.engine",
        c"Sets what removes expired rows.",
        c"\"auto\" deletes without the executor wherever that cannot differ from SQL's DELETE; \"sql\" always uses SQL.",
        &ENGINE,
        GucContext::Suset,
        GucFlags::default(),
    );
    define_texts();
    define_switches();
    define_time_limits();
    for number in NUMBERS {
        let context = if number.for_sessions {
            GucContext::Userset
        } else {
            GucContext::Sighup
        };
        GucRegistry::define_int_guc(
            number.name,
            number.short,
            number.long,
            &number.setting,
            number.range.0,
            number.range.1,
            context,
            number.unit,
        );
    }
    define_checked_number::<ProgressInterval>(
        c"raw_clear_sessions.progress_interval",
        c"Sets the time between notices of how far a call is.",
        c"Zero means none.",
        &PROGRESS_INTERVAL,
        GucFlags::UNIT_MS,
    );
    pg::reserve_setting_prefix(c"raw_clear_sessions");
}

fn define_texts() {
    define_checked_setting::<DatabaseList>(
        c"raw_clear_sessions.databases",
        c"Lists the databases in which the worker clears session tables.",
        c"An empty list turns the worker off, \"*\" means all databases that have the extension.",
        &DATABASES,
        list_flag(),
    );
    define_checked_setting::<TableList>(
        c"raw_clear_sessions.tables",
        c"Lists the session tables that the worker clears in each database that has them.",
        c"They have to be tables of a known web framework; others need raw_clear_sessions_schedule().",
        &TABLES,
        list_flag(),
    );
    define_checked_setting::<ScheduleText>(
        c"raw_clear_sessions.schedule",
        c"Sets when the worker clears: an interval or a cron expression.",
        c"A cron expression is in the time zone of the server's timezone setting.",
        &SCHEDULE,
        GucFlags::default(),
    );
    define_checked_setting::<WalCompression>(
        c"raw_clear_sessions.wal_compression",
        c"Sets wal_compression for the worker's transactions.",
        c"\"inherit\" leaves it as it is for everybody.",
        &WAL_COMPRESSION,
        GucFlags::default(),
    );
}

fn define_switches() {
    GucRegistry::define_bool_guc(
        c"raw_clear_sessions.paused",
        c"Stops the worker after its running batch, until turned off again.",
        c"",
        &PAUSED,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"raw_clear_sessions.vacuum",
        c"Vacuums a table after a run that left much to vacuum.",
        c"\"Much\" is what autovacuum_vacuum_threshold and autovacuum_vacuum_scale_factor say.",
        &VACUUM,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_float_guc(
        c"raw_clear_sessions.rewrite_above",
        c"Sets the expired fraction of a table above which the worker rewrites it.",
        c"It does if the lock comes within lock_timeout; else, and below, it deletes. Zero means never.",
        &REWRITE_ABOVE,
        0.0,
        1.0,
        GucContext::Sighup,
        GucFlags::default(),
    );
    define_checked_fraction::<RepackAbove>(
        c"raw_clear_sessions.repack_above",
        c"Sets the unused fraction of a table above which the worker repacks it after a run.",
        c"By REPACK (CONCURRENTLY), which PostgreSQL has from version 19 on. Zero means never.",
        &REPACK_ABOVE,
    );
    GucRegistry::define_float_guc(
        c"raw_clear_sessions.cost_delay",
        c"Sets how long a run sleeps for each cost_limit of cost.",
        c"Zero means not at all.",
        &COST_DELAY,
        0.0,
        100.0,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
}

fn define_time_limits() {
    GucRegistry::define_float_guc(
        c"raw_clear_sessions.max_run_time",
        c"Sets how long one run of one table may take.",
        c"Zero means until all expired rows are gone.",
        &MAX_RUN_TIME,
        0.0,
        1e9,
        GucContext::Userset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_float_guc(
        c"raw_clear_sessions.blocking_timeout",
        c"Sets how long a statement of a run may keep other tables or databases waiting.",
        c"Zero means without end.",
        &BLOCKING_TIMEOUT,
        0.0,
        1e9,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
}
