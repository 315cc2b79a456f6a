//! Schedules that are intervals, and what is said of a text that is no schedule.

mod common;

use common::clock::{DAY, HOUR, MINUTE, SECOND, Simulated};
use logic::schedule::{MOST_STARTS, Schedule, ScheduleError};

fn interval(text: &str) -> i64 {
    match Schedule::parse(text) {
        Ok(Schedule::Every(interval)) => interval,
        other => panic!("{text}: {other:?}"),
    }
}

fn error(text: &str) -> ScheduleError {
    match Schedule::parse(text) {
        Err(error) => error,
        Ok(schedule) => panic!("{text}: {schedule:?}"),
    }
}

#[test]
fn an_interval_is_written_in_the_units_of_settings_or_in_words() {
    let intervals = [
        ("15 min", 15 * MINUTE),
        ("15min", 15 * MINUTE),
        (" 1  hour ", HOUR),
        ("90 s", 90 * SECOND),
        ("1h 30min", 90 * MINUTE),
        ("1h30min", 90 * MINUTE),
        ("1 h 30 min 5 s", 90 * MINUTE + 5 * SECOND),
        (
            "1d 2h 3min 4s 5ms",
            26 * HOUR + 3 * MINUTE + 4 * SECOND + 5_000,
        ),
        ("2 days", 2 * DAY),
        ("1 day", DAY),
        ("3 d", 3 * DAY),
        ("1 week", 7 * DAY),
        ("2 weeks", 14 * DAY),
        ("1 w", 7 * DAY),
        ("1500 ms", 1_500_000),
        ("1000001 us", 1_000_001),
        ("1 second", SECOND),
        ("2 seconds", 2 * SECOND),
        ("2 sec", 2 * SECOND),
        ("2 secs", 2 * SECOND),
        ("1 minute", MINUTE),
        ("2 mins", 2 * MINUTE),
        ("2 Minutes", 2 * MINUTE),
        ("2 hours", 2 * HOUR),
        ("1 hr", HOUR),
        ("2 HRS", 2 * HOUR),
    ];
    for (text, expected) in intervals {
        assert_eq!(interval(text), expected, "{text}");
    }
}

#[test]
fn an_interval_counts_from_the_last_start() {
    let schedule = Schedule::parse("90 s").unwrap();
    let zone = Simulated::new(0.0, &[]);
    assert_eq!(schedule.next_after(5, &zone), 5 + 90 * SECOND);
}

#[test]
fn starts_are_counted_up_to_a_limit() {
    let zone = Simulated::new(0.0, &[]);
    let between = |text: &str, after, until| {
        let schedule = Schedule::parse(text).unwrap();
        schedule.starts_between(after, until, &zone)
    };
    assert_eq!(between("15 min", 7, 7), 0);
    assert_eq!(between("15 min", 7, 6 + 15 * MINUTE), 0);
    assert_eq!(between("15 min", 7, 7 + 15 * MINUTE), 1);
    assert_eq!(between("15 min", 0, HOUR), 4);
    assert_eq!(between("15 min", HOUR, 0), 0);
    // Instants count from midnight.
    assert_eq!(between("0 3 * * *", 0, 3 * HOUR - 1), 0);
    assert_eq!(between("0 3 * * *", 0, 3 * DAY), 3);
    assert_eq!(between("1 s", 0, 999 * SECOND), 999);
    assert_eq!(between("1 s", 0, i64::MAX), MOST_STARTS);
    assert_eq!(between("1 s", i64::MAX, i64::MAX), 0);
}

#[test]
fn an_interval_is_between_a_second_and_a_leap_year() {
    assert_eq!(interval("1 s"), SECOND);
    assert_eq!(interval("366 d"), 366 * DAY);
    for text in [
        "0 s",
        "0min",
        "999999 us",
        "999 ms",
        "-5 min",
        "-1 h",
        "1 h -5 min",
        "-5 min 1 h",
        "31622401 s",
        "367 d",
        "366 d 1 us",
        "9999999999999999999999 h",
        "4294967295 weeks",
    ] {
        let text_of_error = ScheduleError::OutOfRange {
            text: text.to_owned(),
        };
        assert_eq!(error(text), text_of_error, "{text}");
    }
}

#[test]
fn a_number_needs_a_unit_whose_length_is_fixed() {
    for text in ["15", "0", "1 h 30", "1 h 15 30 min", "-5"] {
        assert_eq!(
            error(text),
            ScheduleError::NoUnit {
                text: text.to_owned()
            }
        );
    }
    for (text, unit) in [
        ("1 month", "month"),
        ("1 year", "year"),
        ("5 m", "m"),
        ("1 h 2 fortnights", "fortnights"),
        ("1 µs", "µs"),
    ] {
        let (text, unit) = (text.to_owned(), unit.to_owned());
        assert_eq!(
            error(&text),
            ScheduleError::UnknownUnit {
                text: text.clone(),
                unit
            }
        );
    }
}

#[test]
fn what_is_neither_interval_nor_cron_is_refused() {
    for text in ["", " ", "\t\n"] {
        assert_eq!(error(text), ScheduleError::Empty);
    }
    for text in [
        "often",
        "hourly",
        "min 15",
        "01:30:00",
        "1.5 h",
        "- 5 min",
        "--5 min",
        "15 min,",
        "5 min x",
        "every 5 min",
        "off",
        "-",
        "é",
        "5 é!",
    ] {
        let refused = error(text);
        assert!(
            matches!(
                refused,
                ScheduleError::Syntax { .. } | ScheduleError::UnknownUnit { .. }
            ),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn messages_and_hints_say_what_is_wrong_and_what_would_work() {
    const GENERAL: &str =
        "Use an interval such as \"15 min\", or a cron expression such as \"*/15 * * * *\".";
    const UNITS: &str = "Valid units are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\", and the words \"second\", \"minute\", \"hour\", \"day\", and \"week\".";
    for (text, message, hint) in [
        ("", "schedule must not be empty", GENERAL),
        ("often", "invalid schedule: \"often\"", GENERAL),
        (" 15 ", "schedule \"15\" has a number without a unit", UNITS),
        (
            "1 month",
            "unrecognized unit \"month\" in schedule \"1 month\"",
            UNITS,
        ),
        (
            "0 s",
            "schedule \"0 s\" is outside the valid range (1 s .. 366 d)",
            "An interval must be at least one second and at most 366 days.",
        ),
        (
            "* * * * * *",
            "cron expression \"* * * * * *\" must have 5 fields, but has 6",
            "The fields are minute, hour, day of month, month, and day of week.",
        ),
        (
            "61 * * * *",
            "invalid minute \"61\" in cron expression \"61 * * * *\"",
            "The minute is \"*\", a number from 0 to 59, a range such as 0-59, or a list of these; \"*\" and ranges may have a step of at most 59, as in \"*/2\".",
        ),
        (
            "0 0 * * x",
            "invalid day of week \"x\" in cron expression \"0 0 * * x\"",
            "The day of week is \"*\", a number from 0 to 7 or sun to sat, a range such as 0-7, or a list of these; \"*\" and ranges may have a step of at most 7, as in \"*/2\".",
        ),
        (
            "@reboot",
            "unrecognized cron nickname \"@reboot\"",
            "Use \"@hourly\", \"@daily\", \"@midnight\", \"@weekly\", \"@monthly\", \"@yearly\", or \"@annually\".",
        ),
        (
            "0 0 30 2 *",
            "cron expression \"0 0 30 2 *\" is never due",
            "No year has a day that meets the day of month and the month.",
        ),
    ] {
        let error = error(text);
        assert_eq!(
            (error.message().as_str(), error.hint().as_str()),
            (message, hint)
        );
    }
}
