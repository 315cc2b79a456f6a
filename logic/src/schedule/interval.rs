//! Intervals as PostgreSQL's settings write them, and in words: `15 min`, `1h 30min`, `2 days`.

use super::ScheduleError;
use crate::number::clamped;

const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;

/// A worker that starts more often would do nothing else.
const SHORTEST: i128 = SECOND;
/// A year, and a leap year: a longer interval is a mistyped one.
const LONGEST: i128 = 366 * DAY;

/// The units, with their lengths in microseconds. Months and years are not among them, because theirs vary.
const UNITS: [(&[&str], i128); 7] = [
    (&["us"], 1),
    (&["ms"], SECOND / 1_000),
    (&["s", "sec", "secs", "second", "seconds"], SECOND),
    (&["min", "mins", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], DAY),
    (&["w", "week", "weeks"], 7 * DAY),
];

/// The interval in microseconds: the sum of numbers with units. `text` is trimmed and not empty.
pub(super) fn parse(text: &str) -> Result<i64, ScheduleError> {
    let whole = || text.to_owned();
    let mut sum: i128 = 0;
    let mut in_range = true;
    let mut rest = text;
    while !rest.is_empty() {
        let negative = rest.starts_with('-');
        rest = rest.strip_prefix('-').unwrap_or(rest);
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        if number.is_empty() {
            return Err(ScheduleError::Syntax { text: whole() });
        }
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if unit.is_empty() {
            // Something else follows the number, such as the colon of '01:30'.
            let bare = after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit());
            return Err(if bare {
                ScheduleError::NoUnit { text: whole() }
            } else {
                ScheduleError::Syntax { text: whole() }
            });
        }
        let length = length(unit).ok_or_else(|| ScheduleError::UnknownUnit {
            text: whole(),
            unit: unit.to_owned(),
        })?;
        match number.parse::<u32>() {
            Ok(number) if !negative => sum += i128::from(number) * length,
            _ => in_range = false,
        }
        rest = after.trim_start();
    }
    if in_range && (SHORTEST..=LONGEST).contains(&sum) {
        Ok(clamped(sum))
    } else {
        Err(ScheduleError::OutOfRange { text: whole() })
    }
}

/// Splits where the characters that `belongs` accepts end.
fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn length(unit: &str) -> Option<i128> {
    let (_, length) = UNITS
        .iter()
        .find(|(names, _)| names.iter().any(|name| name.eq_ignore_ascii_case(unit)))?;
    Some(*length)
}
