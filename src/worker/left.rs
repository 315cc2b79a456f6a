//! What a run leaves behind that a limit has ended, for the history: whether the worker keeps up can be seen by nothing
//! else, and whoever watches it may not read the table.

use super::host::Host;
use super::policy::Due;
use super::stop_request;
use crate::engine::rewrite;
use crate::pg;
use crate::run::{Outcome, Stop};
use crate::table::{Checked, Purpose};
use logic::number;
use std::time::Duration;

/// How long the sample may take: an expression of the owner's is evaluated for each of its rows.
const SAMPLE: Duration = Duration::from_secs(10);

/// How many expired rows are left, about: by a sample of the table after a limit has ended the run, and otherwise those
/// that it has skipped. `None` where that is not known.
pub fn expired_left(due: &Due, host: &mut Host<'_>, outcome: &Outcome) -> Option<u64> {
    match outcome.stop {
        // What the owner cannot see was not looked at.
        Stop::Hidden => None,
        Stop::Done => Some(outcome.skipped),
        Stop::MaxRows | Stop::MaxDuration => sample(due, host),
        // Whoever has said so is not to be kept waiting.
        Stop::Paused | Stop::Unscheduled | Stop::Canceled | Stop::Turn => None,
    }
}

fn sample(due: &Due, host: &mut Host<'_>) -> Option<u64> {
    let rows = pg::catch(|| {
        host.begin();
        // The run's own time is over.
        stop_request::limit_statement(Some(SAMPLE));
        let checked = Checked::open(Some(due.table), &host.policy().rule(), Purpose::Estimate)?;
        let rows = rewrite::expired_rows(&checked);
        drop(checked);
        host.end();
        Ok(number::count(number::whole(rows)))
    });
    if rows.is_err() {
        host.forget();
    }
    rows.ok()
}
