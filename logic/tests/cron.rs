//! Cron expressions: what they mean, and which are refused.

mod common;

use common::clock::{Simulated, due, text, utc};
use logic::schedule::{Schedule, ScheduleError};

fn error(text: &str) -> ScheduleError {
    match Schedule::parse(text) {
        Err(error) => error,
        Ok(schedule) => panic!("{text}: {schedule:?}"),
    }
}

/// The first instants in 2026 when an expression is due, in UTC.
fn in_2026(expression: &str, number: usize) -> Vec<String> {
    let zone = Simulated::new(0.0, &[]);
    let start = utc("2026-01-01 00:00") - 1;
    let due = due(expression, &zone, start, utc("2027-01-01 00:00"));
    due.into_iter().take(number).map(text).collect()
}

fn are_due_in_2026(cases: &[(&str, &[&str])]) {
    for (expression, expected) in cases {
        assert_eq!(
            in_2026(expression, expected.len()),
            *expected,
            "{expression}"
        );
    }
}

#[test]
fn a_cron_expression_has_the_fields_of_crontab() {
    let cases: [(&str, &[&str]); 14] = [
        (
            "*/15 * * * *",
            &["2026-01-01 00:00", "2026-01-01 00:15", "2026-01-01 00:30"],
        ),
        ("  5   4 * * *  ", &["2026-01-01 04:05", "2026-01-02 04:05"]),
        ("5\t4\t*\t*\t*", &["2026-01-01 04:05", "2026-01-02 04:05"]),
        (
            "0,30 1-2 * * *",
            &["2026-01-01 01:00", "2026-01-01 01:30", "2026-01-01 02:00"],
        ),
        (
            "10-50/20 0 * * *",
            &[
                "2026-01-01 00:10",
                "2026-01-01 00:30",
                "2026-01-01 00:50",
                "2026-01-02 00:10",
            ],
        ),
        (
            "0 0 31 * *",
            &["2026-01-31 00:00", "2026-03-31 00:00", "2026-05-31 00:00"],
        ),
        ("0 0 1 jan,JUL *", &["2026-01-01 00:00", "2026-07-01 00:00"]),
        ("0 0 1 nov-dec *", &["2026-11-01 00:00", "2026-12-01 00:00"]),
        ("0 0 * * Mon", &["2026-01-05 00:00", "2026-01-12 00:00"]),
        ("0 0 * * 0", &["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("0 0 * * 7", &["2026-01-04 00:00", "2026-01-11 00:00"]),
        (
            "0 0 * * fri-sun",
            &[
                "2026-01-02 00:00",
                "2026-01-03 00:00",
                "2026-01-04 00:00",
                "2026-01-09 00:00",
            ],
        ),
        ("59 23 31 12 *", &["2026-12-31 23:59"]),
        ("0 0 * */11 6", &["2026-01-03 00:00", "2026-01-10 00:00"]),
    ];
    are_due_in_2026(&cases);
}

#[test]
fn the_last_day_of_a_month_is_l() {
    let last_days = [
        "2026-01-31 03:30",
        "2026-02-28 03:30",
        "2026-03-31 03:30",
        "2026-04-30 03:30",
    ];
    assert_eq!(in_2026("30 3 L * *", 4), last_days);
    assert_eq!(
        in_2026("0 0 15,L 2 *", 2),
        ["2026-02-15 00:00", "2026-02-28 00:00"]
    );
    // Of the month, and of nothing else; on the 29th in a leap year.
    let next = Schedule::parse("0 0 L 2 *").unwrap();
    let zone = Simulated::new(0.0, &[]);
    assert_eq!(
        text(next.next_after(utc("2028-01-01 00:00"), &zone)),
        "2028-02-29 00:00"
    );
    for wrong in [
        "L * * * *",
        "0 L * * *",
        "0 0 * L *",
        "0 0 * * L",
        "0 0 * * 5L",
        "0 0 L-3 * *",
        "0 0 L/2 * *",
        "0 0 LL * *",
        "0 0 1-L * *",
        "0 0 LW * *",
    ] {
        assert!(
            matches!(error(wrong), ScheduleError::Field { .. }),
            "{wrong}"
        );
    }
}

#[test]
fn a_leap_day_is_waited_for() {
    let schedule = Schedule::parse("0 0 29 2 *").unwrap();
    let next = schedule.next_after(utc("2026-01-01 00:00"), &Simulated::new(0.0, &[]));
    assert_eq!(text(next), "2028-02-29 00:00");
}

/// As crontab(5) has it; else `*/2` and a weekday together would be nearly every day.
#[test]
fn a_day_meets_either_field_unless_one_begins_with_an_asterisk() {
    let cases: [(&str, &[&str]); 3] = [
        (
            "0 0 2 * mon",
            &["2026-01-02 00:00", "2026-01-05 00:00", "2026-01-12 00:00"],
        ),
        (
            "0 0 */2 * mon",
            &["2026-01-05 00:00", "2026-01-19 00:00", "2026-02-09 00:00"],
        ),
        (
            "0 0 1-7 * */7",
            &["2026-01-04 00:00", "2026-02-01 00:00", "2026-03-01 00:00"],
        ),
    ];
    are_due_in_2026(&cases);
}

#[test]
fn nicknames_are_those_of_crontab() {
    let cases = [
        ("@hourly", "2026-01-01 00:00", "2026-01-01 01:00"),
        ("@daily", "2026-01-01 00:00", "2026-01-02 00:00"),
        ("@midnight", "2026-01-01 00:00", "2026-01-02 00:00"),
        ("@MidNight", "2026-01-01 00:00", "2026-01-02 00:00"),
        ("@weekly", "2026-01-04 00:00", "2026-01-11 00:00"),
        ("@Monthly", "2026-01-01 00:00", "2026-02-01 00:00"),
    ];
    for (nickname, first, second) in cases {
        assert_eq!(in_2026(nickname, 2), [first, second], "{nickname}");
    }
    for nickname in ["@yearly", "@annually"] {
        assert_eq!(in_2026(nickname, 2), ["2026-01-01 00:00"]);
    }
    for text in ["@reboot", "@", "@daily 5", "@ * * * *", "@every 5 min"] {
        assert_eq!(
            error(text),
            ScheduleError::Nickname {
                text: text.to_owned()
            }
        );
    }
}

#[test]
fn a_cron_expression_has_exactly_five_fields() {
    for (text, count) in [
        ("*/15", 1),
        ("* * * *", 4),
        ("0 3", 2),
        ("*/15 5 min", 3),
        ("0 0 3 * * *", 6),
        ("0 0 3 * * * 2026", 7),
        ("0 0 3 1 1 1", 6),
    ] {
        let text = text.to_owned();
        assert_eq!(
            error(&text),
            ScheduleError::Fields {
                text: text.clone(),
                count
            }
        );
    }
}

#[test]
fn a_field_that_is_not_understood_is_named() {
    for (text, name, value) in [
        ("60 * * * *", "minute", "60"),
        ("*/60 * * * *", "minute", "*/60"),
        ("*/0 * * * *", "minute", "*/0"),
        ("*/-1 * * * *", "minute", "*/-1"),
        ("5/15 * * * *", "minute", "5/15"),
        ("/15 * * * *", "minute", "/15"),
        ("*/ * * * *", "minute", "*/"),
        ("*/5/5 * * * *", "minute", "*/5/5"),
        ("*5 * * * *", "minute", "*5"),
        ("1,,2 * * * *", "minute", "1,,2"),
        ("1, * * * *", "minute", "1,"),
        ("mon * * * *", "minute", "mon"),
        ("-5 * * * *", "minute", "-5"),
        ("30-10 * * * *", "minute", "30-10"),
        ("1-2-3 * * * *", "minute", "1-2-3"),
        ("0 24 * * *", "hour", "24"),
        ("0 */24 * * *", "hour", "*/24"),
        ("0 3h * * *", "hour", "3h"),
        ("0 0 0 * *", "day of month", "0"),
        ("0 0 32 * *", "day of month", "32"),
        ("0 0 L-1 * *", "day of month", "L-1"),
        ("0 0 15W * *", "day of month", "15W"),
        ("0 0 ? * *", "day of month", "?"),
        ("0 0 * 13 *", "month", "13"),
        ("0 0 * mon *", "month", "mon"),
        ("0 0 * 1jan *", "month", "1jan"),
        ("0 0 * * 8", "day of week", "8"),
        ("0 0 * * jan", "day of week", "jan"),
        ("0 0 * * monday", "day of week", "monday"),
        ("0 0 * * fri#2", "day of week", "fri#2"),
        ("0 0 * * +mon", "day of week", "+mon"),
        ("0 0 * * frı", "day of week", "frı"),
    ] {
        match error(text) {
            ScheduleError::Field {
                field,
                value: found,
                ..
            } => {
                assert_eq!((field.name, found.as_str()), (name, value), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn the_longest_step_is_the_field_s_last_number() {
    assert_eq!(
        in_2026("*/59 0 * * *", 2),
        ["2026-01-01 00:00", "2026-01-01 00:59"]
    );
    assert_eq!(
        in_2026("0 */23 * * *", 2),
        ["2026-01-01 00:00", "2026-01-01 23:00"]
    );
}

#[test]
fn a_day_that_no_year_has_is_refused() {
    for text in [
        "0 0 30 2 *",
        "* * 31 2,4,6,9,11 *",
        "0 0 31 apr */2",
        "0 0 30-31 feb *",
    ] {
        assert_eq!(
            error(text),
            ScheduleError::NeverDue {
                text: text.to_owned()
            }
        );
    }
    // Once in 28 years, or in 40.
    let rare = Schedule::parse("0 0 29 2 */7").unwrap();
    let zone = Simulated::new(0.0, &[]);
    assert_eq!(
        text(rare.next_after(utc("2026-01-01 00:00"), &zone)),
        "2032-02-29 00:00"
    );
    assert_eq!(
        text(rare.next_after(utc("2088-03-01 00:00"), &zone)),
        "2128-02-29 00:00"
    );
}
