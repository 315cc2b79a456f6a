//! Cron expressions, as crontab(5) has them, on a wall clock that is set forward and back.
//!
//! The crate `croner` reads the expression and walks the calendar; it sees the wall clock only. Which instants the wall
//! clock's times are is decided here, by the server's own time zone data:
//!
//! - A time is due when the clock first shows it or a later one. So a time that the clock skips when it is set forward
//!   is due at the change, once however many are skipped; a time that it repeats when it is set back is due the first
//!   time only.
//! - An expression that is due before, within and after the repeated times, each stretch as long as the change, is one
//!   that keeps a pace, such as every 15 minutes or every hour. It is due the second time as well; else it would stop
//!   for an hour.
//!
//! So no due time is lost, none comes twice unless the clock shows it twice and the pace asks for it, and two starts are
//! never further apart than on other days by more than the change.

use super::error::Field;
use super::{Clock, ScheduleError};
use crate::zone::Transition;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use croner::parser::{CronParser, Seconds, Year};

const DAY: i64 = 86_400_000_000;

/// How far around an instant a change of the clock matters: no zone is further from UTC than a day, nor was ever moved
/// by more than a day.
const NEIGHBOURHOOD: i64 = 2 * DAY;

/// Microseconds from 1970-01-01, which chrono counts from, to 2000-01-01.
const EPOCH_DIFFERENCE: i64 = 946_684_800_000_000;

/// The years of timestamptz in which there were neither crons nor sessions are left out, and so is a far future.
const FIRST: i64 = -1_000 * 365 * DAY;
const LAST: i64 = 2_000 * 365 * DAY;

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        numbers: 0..=59,
        words: &[],
    },
    Field {
        name: "hour",
        numbers: 0..=23,
        words: &[],
    },
    Field {
        name: "day of month",
        numbers: 1..=31,
        words: &[],
    },
    Field {
        name: "month",
        numbers: 1..=12,
        words: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "day of week",
        numbers: 0..=7,
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Whether a text is meant as a cron expression, so that its errors are those of one: it has an asterisk, or begins
/// like one with two fields that hold no unit.
pub(super) fn is_meant(text: &str) -> bool {
    let belongs = |c: char| c.is_ascii_digit() || "-,/".contains(c);
    let is_field =
        |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) && part.chars().all(belongs);
    let mut parts = text.split_ascii_whitespace();
    text.starts_with('@')
        || text.contains('*')
        || (parts.next().is_some_and(is_field) && parts.next().is_some_and(is_field))
}

/// A cron expression that is due at some time.
#[derive(Clone, Debug)]
pub struct Cron(Box<croner::Cron>);

impl Cron {
    pub fn parse(text: &str) -> Result<Cron, ScheduleError> {
        let cron = if text.starts_with('@') {
            parse_nickname(text)?
        } else {
            parse_fields(text)?
        };
        let cron = Cron(Box::new(cron));
        // The calendar repeats after 400 years, and croner's ends in this year.
        let start = NaiveDate::from_ymd_opt(croner::YEAR_UPPER_LIMIT - 401, 1, 1)
            .expect("chrono knows more years than croner")
            .and_time(chrono::NaiveTime::MIN);
        match cron.0.find_next_occurrence(&start, false) {
            Ok(_) => Ok(cron),
            Err(_) => Err(ScheduleError::NeverDue {
                text: text.to_owned(),
            }),
        }
    }

    /// The first due instant after an instant.
    pub fn next_after(&self, after: i64, zone: &dyn Clock) -> Option<i64> {
        let after = after.max(FIRST);
        if after > LAST {
            return None;
        }
        let first = first_showing(self.wall_after(highest_shown(after, zone))?, zone);
        let again = set_back(after, zone)
            .into_iter()
            .filter_map(|change| self.again_after(after, change));
        Some(again.fold(first, i64::min))
    }

    /// The first instant after `after` when a due time is shown again and the pace asks for it.
    fn again_after(&self, after: i64, change: Transition) -> Option<i64> {
        let length = change.before - change.after;
        let start = change.at + change.after;
        let is_due = |from: i64| self.wall_after(from - 1).is_some_and(|w| w < from + length);
        if !(is_due(start - length) && is_due(start + length)) {
            return None;
        }
        let wall = self.wall_after(start.max(after + change.after + 1) - 1)?;
        (wall < start + length).then_some(wall - change.after)
    }

    /// The first due time on the wall clock after another.
    fn wall_after(&self, wall: i64) -> Option<i64> {
        let wall = naive(wall)?;
        // Whole seconds only: croner leaves out the fraction of where it starts, and continues with the next second.
        let next = self.0.find_next_occurrence(&wall, false).ok()?;
        Some(next.and_utc().timestamp_micros() - EPOCH_DIFFERENCE)
    }
}

fn naive(wall: i64) -> Option<NaiveDateTime> {
    let unix = wall.checked_add(EPOCH_DIFFERENCE)?;
    Some(DateTime::from_timestamp_micros(unix)?.naive_utc())
}

/// The latest time that the wall clock has shown until an instant: later than the one it shows, if it was set back.
fn highest_shown(instant: i64, zone: &dyn Clock) -> i64 {
    let shown = instant + zone.offset_at(instant);
    zone.transitions(instant - NEIGHBOURHOOD, instant)
        .iter()
        .map(|change| change.at - 1 + change.before)
        .fold(shown, i64::max)
}

/// The first instant when the wall clock shows a time or a later one.
fn first_showing(wall: i64, zone: &dyn Clock) -> i64 {
    let from = wall - NEIGHBOURHOOD;
    let changes = zone.transitions(from, wall + NEIGHBOURHOOD);
    let mut offset = zone.offset_at(from);
    let mut since = from;
    for change in changes {
        if wall - offset < change.at {
            break;
        }
        offset = change.after;
        since = change.at;
    }
    since.max(wall - offset)
}

/// The changes that set the clock back and whose repeated times may be shown after an instant.
fn set_back(after: i64, zone: &dyn Clock) -> Vec<Transition> {
    let mut changes = zone.transitions(after - NEIGHBOURHOOD, after + NEIGHBOURHOOD);
    changes.retain(|change| change.after < change.before);
    changes
}

fn parse_nickname(text: &str) -> Result<croner::Cron, ScheduleError> {
    // The one of crontab(5) that croner lacks.
    let daily = text.eq_ignore_ascii_case("@midnight");
    let known = if daily { "@daily" } else { text };
    CronParser::new()
        .parse(known)
        .map_err(|_| ScheduleError::Nickname {
            text: text.to_owned(),
        })
}

fn parse_fields(text: &str) -> Result<croner::Cron, ScheduleError> {
    let values: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, _, day_of_month, _, day_of_week] = values[..] else {
        return Err(ScheduleError::Fields {
            text: text.to_owned(),
            count: values.len(),
        });
    };
    // As in crontab(5): a day meets either of the two fields, unless one of them begins with an asterisk.
    let both = day_of_month.starts_with('*') || day_of_week.starts_with('*');
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .dom_and_dow(both)
        .build();
    for (index, field) in FIELDS.iter().enumerate() {
        let mut alone = ["*"; 5];
        alone[index] = values[index];
        if !is_well_formed(values[index], field) || parser.parse(&alone.join(" ")).is_err() {
            return Err(ScheduleError::Field {
                text: text.to_owned(),
                field,
                value: values[index].to_owned(),
            });
        }
    }
    parser.parse(text).map_err(|_| ScheduleError::Syntax {
        text: text.to_owned(),
    })
}

/// Whether a field has no more than crontab(5) describes, but for the last day of a month. croner takes more, some of it silently: an empty element of
/// a list, a name in any field or next to a digit, a step that is longer than its field.
fn is_well_formed(value: &str, field: &Field) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let is_word = |text: &str| {
        field
            .words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text))
    };
    let is_step = |text: &str| {
        is_number(text)
            && text
                .parse()
                .is_ok_and(|step: u32| step <= *field.numbers.end())
    };
    let is_last = |text: &str| field.name == "day of month" && text == "L";
    value.split(',').all(|element| {
        if is_last(element) {
            return true;
        }
        let (range, step) = match element.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (element, None),
        };
        let range_is_well_formed =
            range == "*" || range.split('-').all(|end| is_number(end) || is_word(end));
        range_is_well_formed && step.is_none_or(is_step)
    })
}
