//! What is wrong with a schedule, in PostgreSQL's style.

use std::ops::RangeInclusive;

/// One of the fields of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub numbers: RangeInclusive<u32>,
    /// The names that may stand for the numbers, beginning with the first number.
    pub words: &'static [&'static str],
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleError {
    /// Nothing but blanks.
    Empty,
    /// Neither an interval nor a cron expression.
    Syntax { text: String },
    /// A number without a unit.
    NoUnit { text: String },
    /// A unit that PostgreSQL's settings do not have, or whose length varies.
    UnknownUnit { text: String, unit: String },
    /// Zero, negative, shorter or longer than is sensible.
    OutOfRange { text: String },
    /// A cron expression without exactly five fields.
    Fields { text: String, count: usize },
    /// A field of a cron expression that is not understood.
    Field {
        text: String,
        field: &'static Field,
        value: String,
    },
    /// `@reboot`, or a word that cron does not know either.
    Nickname { text: String },
    /// A day that no calendar has.
    NeverDue { text: String },
}

impl ScheduleError {
    /// The primary message.
    pub fn message(&self) -> String {
        match self {
            Self::Empty => "schedule must not be empty".to_owned(),
            Self::Syntax { text } => format!("invalid schedule: \"{text}\""),
            Self::NoUnit { text } => format!("schedule \"{text}\" has a number without a unit"),
            Self::UnknownUnit { text, unit } => {
                format!("unrecognized unit \"{unit}\" in schedule \"{text}\"")
            }
            Self::OutOfRange { text } => {
                format!("schedule \"{text}\" is outside the valid range (1 s .. 366 d)")
            }
            Self::Fields { text, count } => {
                format!("cron expression \"{text}\" must have 5 fields, but has {count}")
            }
            Self::Field { text, field, value } => {
                let name = field.name;
                format!("invalid {name} \"{value}\" in cron expression \"{text}\"")
            }
            Self::Nickname { text } => format!("unrecognized cron nickname \"{text}\""),
            Self::NeverDue { text } => format!("cron expression \"{text}\" is never due"),
        }
    }

    /// What would work.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty | Self::Syntax { .. } => {
                "Use an interval such as \"15 min\", or a cron expression such as \"*/15 * * * *\"."
                    .to_owned()
            }
            Self::NoUnit { .. } | Self::UnknownUnit { .. } => {
                "Valid units are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\", and the words \"second\", \"minute\", \"hour\", \"day\", and \"week\"."
                    .to_owned()
            }
            Self::OutOfRange { .. } => {
                "An interval must be at least one second and at most 366 days.".to_owned()
            }
            Self::Fields { .. } => {
                "The fields are minute, hour, day of month, month, and day of week.".to_owned()
            }
            Self::Field { field, .. } => field_hint(field),
            Self::Nickname { .. } => {
                "Use \"@hourly\", \"@daily\", \"@midnight\", \"@weekly\", \"@monthly\", \"@yearly\", or \"@annually\"."
                    .to_owned()
            }
            Self::NeverDue { .. } => {
                "No year has a day that meets the day of month and the month.".to_owned()
            }
        }
    }
}

fn field_hint(field: &Field) -> String {
    let Field {
        name,
        numbers,
        words,
    } = field;
    let (first, last) = (numbers.start(), numbers.end());
    let or_words = match (words.first(), words.last()) {
        (Some(first), Some(last)) => format!(" or {first} to {last}"),
        _ => String::new(),
    };
    let or_last = if *name == "day of month" {
        ", \"L\" for the last"
    } else {
        ""
    };
    format!(
        "The {name} is \"*\", a number from {first} to {last}{or_words}{or_last}, a range such as {first}-{last}, or a list of these; \"*\" and ranges may have a step of at most {last}, as in \"*/2\"."
    )
}
