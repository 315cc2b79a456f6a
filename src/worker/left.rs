//! What a run leaves behind that a limit has ended, for the history: whether the worker keeps up can be seen by nothing
//! else, and whoever watches it may not read the table.

use super::host::Host;
use super::policy::{Due, Policy};
use crate::engine::rewrite;
use crate::pg::{self, LockMode};
use crate::run::{Outcome, Stop};
use crate::target::{self, Criterion};

/// How many expired rows are left, about: by a sample of the table after a limit has ended the run, and otherwise those
/// that it has skipped. `None` where that is not known.
pub fn expired_left(
    due: &Due,
    policy: &Policy,
    host: &mut Host<'_>,
    outcome: &Outcome,
) -> Option<u64> {
    match outcome.stop {
        Stop::Done => Some(outcome.skipped),
        Stop::MaxRows | Stop::MaxDuration => sample(due, policy, host),
        // Whoever has said so is not to be kept waiting.
        Stop::Paused | Stop::Unscheduled => None,
    }
}

fn sample(due: &Due, policy: &Policy, host: &mut Host<'_>) -> Option<u64> {
    let rows = pg::catch(|| {
        host.begin();
        let relation = target::open(Some(due.table), LockMode::AccessShare)?;
        let criterion = Criterion::resolve(&relation, &policy.rule())?;
        target::check_may_read(&relation, &criterion)?;
        let rows = rewrite::expired_rows(&relation, &criterion);
        drop(relation);
        host.end();
        Ok(rows as u64)
    });
    if rows.is_err() {
        host.forget();
    }
    rows.ok()
}
