//! Rewriting a table of which most has expired, instead of deleting its rows.

use super::host::Host;
use super::policy::{Due, Policy};
use super::stop_request;
use crate::engine::rewrite;
use crate::pg;
use crate::progress::{self, Phase, Progress};
use crate::refusal::Refusal;
use crate::run::{Host as _, Outcome, Stop};
use crate::table::{Checked, Purpose, Rule};
use pgrx::prelude::PgSqlErrorCode;
use std::time::Duration;

/// What became of it.
pub enum Rewriting {
    /// It was not asked for, or too little has expired.
    NotWorthIt,
    /// The table was rewritten; how long everybody was kept from it.
    Done(Outcome, Option<Duration>),
    /// It could not be: the lock did not come in time, for one. The rows are to be deleted.
    Not(Refusal),
}

impl Rewriting {
    /// How long everybody was kept from the table.
    pub fn locked(&self) -> Option<Duration> {
        match self {
            Rewriting::Done(_, locked) => *locked,
            Rewriting::NotWorthIt | Rewriting::Not(_) => None,
        }
    }

    /// As the history shows it.
    pub fn in_words(&self) -> Option<&str> {
        match self {
            Rewriting::NotWorthIt => None,
            Rewriting::Done(..) => Some("done"),
            Rewriting::Not(refusal) => Some(refusal.message()),
        }
    }
}

impl Rewriting {
    /// From what the history shows of one that was not done.
    pub fn in_those_words(words: Option<String>) -> Rewriting {
        words.map_or(Rewriting::NotWorthIt, |words| {
            Rewriting::Not(Refusal::new(
                PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                words,
            ))
        })
    }
}

/// Rewrites the table if more of it has expired than the policy, or the setting `rewrite_above`, says.
pub fn rewrite_if_worth_it(due: &Due, policy: &Policy, host: &mut Host<'_>) -> Rewriting {
    if policy.rewrite_above().is_none() {
        return Rewriting::NotWorthIt;
    }
    let outcome = pg::catch(|| {
        host.begin();
        // In a transaction of its own: the rewrite must not ask for a stronger lock than it already has.
        let policy = host.policy().clone();
        let fraction = expired_fraction(due, &policy.rule())?;
        host.next_transaction(false, Duration::ZERO);
        let above = host.policy().rewrite_above();
        if above.is_none_or(|above| fraction <= above) || host.wants_stop().is_some() {
            host.end();
            return Ok(None);
        }
        // Nobody is to wait for a lock that is good for nothing.
        host.check_up_to_date(&policy)?;
        progress::update(&Progress {
            phase: Phase::Rewriting,
            ..Progress::default()
        });
        let name = pg::full_name(due.table).unwrap_or_default();
        pg::report_activity(Some(&format!("raw_clear_sessions: rewriting {name}")));
        // Whoever reads the table waits, as the policy wants it.
        stop_request::keep_locks();
        let up_to_date = &mut || host.check_up_to_date(&policy);
        let done = rewrite::rewrite(due.table, &policy.rule(), up_to_date)?;
        host.end();
        Ok(Some(Outcome {
            deleted: done.rows.removed,
            skipped: 0,
            batches: 1,
            stop: Stop::Done,
        }))
    });
    match outcome {
        Ok(None) => Rewriting::NotWorthIt,
        Ok(Some(outcome)) => Rewriting::Done(outcome, rewrite::take_locked()),
        Err(refusal) => {
            host.forget();
            // What it had left out is there again.
            progress::update(&Progress::default());
            Rewriting::Not(refusal)
        }
    }
}

/// How much of the table has expired; refuses what cannot be rewritten.
fn expired_fraction(due: &Due, rule: &Rule) -> Result<f64, Refusal> {
    let checked = Checked::open(Some(due.table), rule, Purpose::Estimate)?;
    match rewrite::why_not(checked.root(), checked.criterion()) {
        Some(refusal) => Err(refusal),
        None => Ok(rewrite::expired_fraction(&checked)),
    }
}
