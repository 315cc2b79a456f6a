//! When a table is due next: a function of its schedule and its history, so that nobody has to remember it, and the
//! worker and the view raw_clear_sessions.status say the same.

use crate::backoff;
use crate::number::microseconds;
use crate::schedule::{Clock, Schedule};

/// What is known of a table; instants in microseconds since 2000.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Since when the table is to be cleared by the schedule as it is.
    pub since: i64,
    /// From when to when the time was kept before: what was due then, and has not been done since, is due.
    pub before: Option<(i64, i64)>,
    pub last_start: Option<i64>,
    pub last_end: Option<i64>,
    /// Failures in a row, up to the last run.
    pub failures: u32,
    /// How long after a start the next may be, in microseconds: the administrator's word.
    pub shortest: i64,
    /// Tells tables apart, so that not all that have failed come back at the same moment.
    pub table: u32,
}

/// The next due instant; one that has passed means now, `i64::MAX` never.
///
/// An interval is counted from the last start; a table that was never cleared is due at once. A cron expression is due
/// when the clock says so while the worker is there: what was missed before (because the server was down, the worker
/// paused, or the last run not over) is not made up for, so that a run meant for the night does not come in the day. What
/// has failed is tried again after a while, and not in the next night, or week.
pub fn next_start(schedule: &Schedule, zone: &dyn Clock, past: Past) -> i64 {
    let delay = backoff::delay(past.failures, jitter(past.table, past.failures));
    let delay = microseconds(delay);
    let due = match (schedule, past.last_start) {
        (Schedule::Every(_), None) => past.since,
        (Schedule::Every(_), Some(start)) if past.failures > 0 => past.last_end.unwrap_or(start),
        (Schedule::Every(_), Some(start)) => schedule.next_after(start, zone),
        (Schedule::Cron(_), _) if past.failures > 0 => {
            let end = past.last_end.or(past.last_start).unwrap_or(past.since);
            end.max(past.since)
        }
        (Schedule::Cron(_), _) => {
            let after = past.last_end.or(past.last_start).unwrap_or(i64::MIN);
            let next = |since: i64| schedule.next_after(after.max(since), zone);
            let before = past.before.map(|(from, until)| (next(from), until));
            match before.filter(|(due, until)| due <= until) {
                Some((due, _)) => due,
                None => next(past.since),
            }
        }
    };
    let due = due.saturating_add(delay);
    past.last_start
        .map_or(due, |start| due.max(start.saturating_add(past.shortest)))
}

/// A number from 0 to 1 that looks like chance, and is the same each time it is asked for.
fn jitter(table: u32, failures: u32) -> f64 {
    let mixed = (u64::from(table) << 32 | u64::from(failures)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
