//! A simulated wall clock, and instants that can be read.

use chrono::{DateTime, NaiveDateTime};
use logic::schedule::{Clock, Schedule};
use logic::zone::Transition;

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// From 1970 to 2000, PostgreSQL's epoch.
const EPOCHS_APART: i64 = 946_684_800 * SECOND;

/// The instant that "2026-03-29 01:00" names in UTC.
pub fn utc(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    time.and_utc().timestamp_micros() - EPOCHS_APART
}

/// "2026-03-29 01:00", for an instant. Seconds follow where there are any.
pub fn text(instant: i64) -> String {
    let time = DateTime::from_timestamp_micros(instant + EPOCHS_APART).expect("an instant");
    let text = time.naive_utc().to_string();
    text.strip_suffix(":00").unwrap_or(&text).to_owned()
}

/// A wall clock with these changes.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// The offset from UTC before the first change.
    pub offset: i64,
    pub changes: Vec<Transition>,
}

impl Simulated {
    /// A clock with the changes at these instants in UTC, each with the offset in hours since then.
    pub fn new(offset: f64, changes: &[(&str, f64)]) -> Simulated {
        let micros = |hours: f64| (hours * HOUR as f64) as i64;
        let mut before = micros(offset);
        let changes = changes.iter().map(|(at, after)| {
            let after = micros(*after);
            let change = Transition {
                at: utc(at),
                before,
                after,
            };
            before = after;
            change
        });
        Simulated {
            offset: micros(offset),
            changes: changes.collect(),
        }
    }
}

impl Clock for Simulated {
    fn offset_at(&self, instant: i64) -> i64 {
        let past = self.changes.iter().rev().find(|c| c.at <= instant);
        past.map_or(self.offset, |c| c.after)
    }

    fn transitions(&self, from: i64, to: i64) -> Vec<Transition> {
        assert!(from < to && to - from <= 5 * DAY, "more is not promised");
        let between = |change: &&Transition| from < change.at && change.at <= to;
        self.changes.iter().filter(between).copied().collect()
    }
}

/// All due instants after `from` and before `to`, asked for one after the other.
pub fn due(expression: &str, zone: &Simulated, from: i64, to: i64) -> Vec<i64> {
    let schedule = Schedule::parse(expression).expect("a schedule");
    let mut due = Vec::new();
    let mut last = from;
    loop {
        let next = schedule.next_after(last, zone);
        assert!(next > last, "{expression}: {} again", text(last));
        if next >= to {
            return due;
        }
        due.push(next);
        last = next;
    }
}
