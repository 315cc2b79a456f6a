//! VACUUM after a run: of each relation that the run has deleted much from, and of no other.

use super::host::Host;
use super::stop_request::{self, Reason};
use crate::pg;
use crate::progress::{self, Phase, Progress};
use crate::settings;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// Vacuums what the run has deleted much from, in what is left of its time; how many relations that were. What goes wrong
/// with one is logged.
pub fn vacuum(host: &mut Host<'_>) -> u64 {
    if !settings::vacuum() {
        return 0;
    }
    // Else the deleted rows would be counted as dead once more, after VACUUM has removed them.
    pg::report_statistics();
    let (deleted, skipped, batches) = host.record.committed();
    let mut vacuumed = 0;
    for (relation, rows) in host.take_deleted_from() {
        let left = host.time_left();
        if stop_request::requested().is_some() || left.is_some_and(|left| left.is_zero()) {
            break;
        }
        if !is_much(relation, rows) {
            continue;
        }
        progress::update(&Progress {
            phase: Phase::Vacuuming,
            leaf: Some(relation),
            deleted,
            skipped,
            batches,
            ..Progress::default()
        });
        stop_request::begin_statement(left);
        vacuumed += u64::from(vacuum_one(relation));
        if stop_request::take_canceled() == Some(Reason::DatabaseWanted) {
            host.make_way();
        }
    }
    vacuumed
}

/// Vacuums one relation; whether it did.
fn vacuum_one(relation: pg_sys::Oid) -> bool {
    let name = full_name(relation);
    pg::report_activity(Some(&format!("raw_clear_sessions: vacuuming {name}")));
    let vacuumed = pg::catch(|| {
        pg::vacuum(relation);
        Ok(())
    });
    stop_request::end_statement();
    match vacuumed {
        Ok(()) => true,
        // Somebody else is at it: autovacuum will find it. Or it was canceled.
        Err(refusal)
            if matches!(
                refusal.sqlstate(),
                PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE | PgSqlErrorCode::ERRCODE_QUERY_CANCELED
            ) =>
        {
            false
        }
        Err(refusal) => {
            pg::log_error(&refusal, &format!("automatic vacuum of table \"{name}\""));
            false
        }
    }
}

/// By autovacuum's measure; not where the relation has gone.
fn is_much(relation: pg_sys::Oid, deleted: u64) -> bool {
    pg::begin();
    let rows = pg::estimated_rows(relation);
    pg::commit();
    let number = |name| pg::server_setting(name).parse::<f64>().unwrap_or_default();
    let threshold = number(c"autovacuum_vacuum_threshold");
    let scale = number(c"autovacuum_vacuum_scale_factor");
    rows.is_some_and(|rows| deleted as f64 > threshold + scale * rows)
}

/// The relation as autovacuum names one: with its database and schema, not quoted.
pub fn full_name(relation: pg_sys::Oid) -> String {
    pg::begin();
    let name = pg::full_name(relation).unwrap_or_else(|| u32::from(relation).to_string());
    let name = format!("{}.{name}", pg::my_database_name());
    pg::commit();
    name
}
