//! The procedure as a host: it commits as procedures do, and ends with the CALL.

use super::batches::limit_lock_wait;
use super::{Host, Limits, Outcome, Stop, run};
use crate::pg::{self, Keep, NonatomicCall};
use crate::progress::Shown;
use crate::refusal::Refusal;
use crate::table::{Rule, table_oid};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::time::Duration;

/// The limits of a CALL: its own, and for the rest the settings. Refuses (22023) those that are not positive.
pub fn limits(
    batch_size: Option<i32>,
    max_rows: Option<i64>,
    max_duration: Option<Keep>,
) -> Result<Limits, Refusal> {
    let mut limits = Limits::by_settings();
    if let Some(batch_size) = batch_size {
        limits.batch_size = positive("batch_size", batch_size.into())?;
    }
    if let Some(max_rows) = max_rows {
        limits.max_rows = Some(positive("max_rows", max_rows)?);
    }
    limits.max_duration = match max_duration {
        Some(duration) => {
            let microseconds = positive("max_duration", duration.microseconds())?;
            Some(Duration::from_micros(microseconds))
        }
        None => limits.max_duration,
    };
    Ok(limits)
}

fn positive(parameter: &str, value: i64) -> Result<u64, Refusal> {
    match u64::try_from(value) {
        Ok(value) if value > 0 => Ok(value),
        _ => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{parameter} must be greater than zero"),
        )
        .hint(format!("Leave out {parameter} for the default."))),
    }
}

/// Who writes down what a CALL does, in its transactions.
pub trait Journal {
    /// The transaction is about to be committed.
    fn note(&mut self);

    /// It has been.
    fn note_commit(&mut self);

    /// The run has ended.
    fn end(&mut self, outcome: &Outcome);

    /// It has failed; what had been committed stays.
    fn fail(&mut self, error: &Refusal);
}

/// Runs a CALL, and returns what it has done. Refuses (25001) one that cannot commit.
pub fn in_procedure<J: Journal>(
    table: Option<pg_sys::Oid>,
    rule: &Rule,
    call: Option<NonatomicCall>,
    limits: Limits,
    journal: impl FnOnce(pg_sys::Oid) -> J,
) -> Result<Outcome, Refusal> {
    let call = call.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "raw_clear_sessions_in_batches cannot run inside a transaction block",
        )
        .detail("It commits after each batch.")
        .hint("Call it outside of a transaction block, or use the function raw_clear_sessions().")
    })?;
    let table = table_oid(table)?;
    let mut host = Procedure {
        call,
        limits,
        rule: rule.clone(),
        journal: journal(table),
        has_committed: false,
    };
    let _shown = Shown::to_client(table);
    // The CALL's snapshot is older than the lock on the table: a table that another session rewrites by then is empty to it.
    if pg::keeps_its_snapshot() {
        host.call.commit();
        host.has_committed = true;
    }
    let outcome = pg::record_error(
        &mut host,
        |host| Ok(run(table, host)?.outcome),
        Procedure::record_failure,
    );
    if let Ok(outcome) = &outcome {
        host.journal.end(outcome);
        if !outcome.stop.is_at_the_end() {
            tell_limit(table, outcome);
        }
    }
    outcome
}

/// Tells the client that the call has not come to the table's end.
fn tell_limit(table: pg_sys::Oid, outcome: &Outcome) {
    let rows = if outcome.deleted == 1 { "row" } else { "rows" };
    pg::notice(
        &format!(
            "{} has ended the clearing of table \"{}\" with {} {rows} deleted",
            outcome.stop.name(),
            pg::name_unlocked(table),
            outcome.deleted
        ),
        None,
        Some("There may be more expired rows: the next call goes on."),
    );
}

/// The longest sleep of a procedure at a time.
const NAP: Duration = Duration::from_millis(50);

/// A CALL outside a transaction block.
struct Procedure<J> {
    call: NonatomicCall,
    limits: Limits,
    rule: Rule,
    journal: J,
    /// Before, it may be in a subtransaction, which cannot be ended here.
    has_committed: bool,
}

impl<J: Journal> Procedure<J> {
    /// Takes back what is not committed, and writes down the error in a transaction of its own.
    fn record_failure(&mut self, error: &Refusal) {
        if self.has_committed {
            self.call.roll_back();
            limit_lock_wait(&self.limits);
            self.journal.fail(error);
            self.call.commit();
        }
    }

    /// The server begins the next transaction with the commit of the last. Until its first statement it holds nothing, but
    /// pg_stat_activity has its beginning: so the sleep has transactions of its own, none of them long.
    fn sleep(&mut self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let nap = left.min(NAP);
            pg::sleep(nap);
            self.call.commit();
            left -= nap;
        }
    }
}

impl<J: Journal> Host for Procedure<J> {
    fn limits(&mut self) -> Limits {
        self.limits.clone()
    }

    fn rule(&mut self) -> Rule {
        self.rule.clone()
    }

    fn wants_stop(&mut self) -> Option<Stop> {
        None
    }

    fn next_transaction(&mut self, durable: bool, sleep: Duration) {
        self.journal.note();
        self.call.commit();
        self.has_committed = true;
        self.journal.note_commit();
        if durable {
            pg::make_commits_durable();
        }
        // As between two statements: who turns off an engine by a reload must not wait for the end of the CALL.
        pg::reload_if_asked();
        self.sleep(sleep);
    }

    fn roll_back(&mut self) {
        self.call.roll_back();
    }
}
