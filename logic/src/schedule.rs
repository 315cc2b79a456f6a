//! When a table is due: every so often, or when the wall clock says so.
//!
//! Instants are microseconds since 2000-01-01 00:00 UTC, as timestamptz. What a schedule's text means is in `interval`
//! and `cron`, what is wrong with one in `error`.

mod cron;
mod error;
mod interval;

use crate::zone::Transition;
use cron::Cron;
pub use error::ScheduleError;

/// A zone's wall clock.
pub trait Clock {
    /// The offset from UTC in force at an instant, in microseconds east of it.
    fn offset_at(&self, instant: i64) -> i64;

    /// The changes of the offset after `from` and until `to`, in order. The bounds are not more than five days apart.
    fn transitions(&self, from: i64, to: i64) -> Vec<Transition>;
}

/// As far as starts are counted: more says nothing new, and the calendar is slow.
pub const MOST_STARTS: u32 = 1_000;

/// When a table is due.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// This many microseconds after the last start.
    Every(i64),
    /// On the wall clock.
    Cron(Cron),
}

impl Schedule {
    /// Reads an interval such as `15 min`, or a cron expression such as `*/15 * * * *`.
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ScheduleError::Empty);
        }
        if cron::is_meant(text) {
            Cron::parse(text).map(Schedule::Cron)
        } else {
            interval::parse(text).map(Schedule::Every)
        }
    }

    /// The first due instant after `after`, which is the last start; `i64::MAX`, timestamptz's infinity, if the
    /// calendar ends before.
    ///
    /// A due instant that has passed by now means one start, now: starts that were missed are not made up for.
    pub fn next_after(&self, after: i64, zone: &dyn Clock) -> i64 {
        match self {
            Schedule::Every(interval) => after.saturating_add(*interval),
            Schedule::Cron(cron) => cron.next_after(after, zone).unwrap_or(i64::MAX),
        }
    }

    /// How many starts are due after `after` and until `until`; [`MOST_STARTS`] if there are more.
    pub fn starts_between(&self, after: i64, until: i64, zone: &dyn Clock) -> u32 {
        let mut due = after;
        for starts in 0..MOST_STARTS {
            due = self.next_after(due, zone);
            if due > until || due == i64::MAX {
                return starts;
            }
        }
        MOST_STARTS
    }
}
