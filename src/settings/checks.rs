//! What the text settings have to be.

use crate::pg::{Check, CheckFraction, CheckNumber, HAS_REPACK, setting_takes};
use crate::refusal::Refusal;
use logic::names::{ListError, parse_databases, parse_tables};
use logic::schedule::{Schedule, ScheduleError};
use pgrx::prelude::PgSqlErrorCode;

impl From<ScheduleError> for Refusal {
    fn from(error: ScheduleError) -> Self {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            error.message(),
        )
        .hint(error.hint())
    }
}

impl From<ListError> for Refusal {
    fn from(error: ListError) -> Self {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            error.message(),
        )
        .detail(error.detail())
    }
}

pub struct DatabaseList;

impl Check for DatabaseList {
    fn check(value: &str) -> Result<(), Refusal> {
        parse_databases(value).map(drop).map_err(|error| {
            Refusal::from(error)
                .hint("List databases, separated by commas, or write \"*\" for all of them.")
        })
    }
}

pub struct TableList;

impl Check for TableList {
    fn check(value: &str) -> Result<(), Refusal> {
        parse_tables(value).map(drop).map_err(|error| {
            Refusal::from(error).hint("List tables, with or without a schema, separated by commas.")
        })
    }
}

pub struct ScheduleText;

impl Check for ScheduleText {
    fn check(value: &str) -> Result<(), Refusal> {
        Ok(Schedule::parse(value).map(drop)?)
    }
}

pub struct WalCompression;

impl Check for WalCompression {
    fn check(value: &str) -> Result<(), Refusal> {
        if value == "inherit" || setting_takes(c"wal_compression", value) {
            return Ok(());
        }
        Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("this server cannot compress WAL by \"{value}\""),
        )
        .hint("Use \"inherit\", \"off\", \"on\", or a method that wal_compression takes here, such as \"pglz\" or \"lz4\"."))
    }
}

pub struct RepackAbove;

impl CheckFraction for RepackAbove {
    fn check(value: f64) -> Result<(), Refusal> {
        if value == 0.0 || HAS_REPACK {
            return Ok(());
        }
        Err(no_repack())
    }
}

/// Refuses (0A000) to repack on a server that cannot.
pub fn no_repack() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "this server has no REPACK (CONCURRENTLY)",
    )
    .detail("PostgreSQL has it from version 19 on.")
    .hint("To give the space back, use raw_clear_sessions_rewrite() or rewrite_above, which keep everybody from the table meanwhile, or the extensions pg_repack, which needs a primary key or a unique index on columns that are NOT NULL, or pg_squeeze, which needs wal_level logical and a replica identity.")
}

pub struct ProgressInterval;

/// More often than a screen is read nobody wants a notice: a number without a unit was meant as seconds.
const SHORTEST_PROGRESS_INTERVAL: i32 = 100;

impl CheckNumber for ProgressInterval {
    fn check(value: i32) -> Result<(), Refusal> {
        if value == 0 || value >= SHORTEST_PROGRESS_INTERVAL {
            return Ok(());
        }
        Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{value} ms is shorter than {SHORTEST_PROGRESS_INTERVAL} ms"),
        )
        .hint("Give the number a unit, as in \"10 s\", or set it to 0 for no notices."))
    }
}
