//! Schedules across the days when real zones set the clock forward and back.

mod common;

use common::clock::{DAY, HOUR, MINUTE, Simulated, due, text, utc};
use logic::schedule::Schedule;

fn berlin() -> Simulated {
    Simulated::new(1.0, &[("2026-03-29 01:00", 2.0), ("2026-10-25 01:00", 1.0)])
}

fn new_york() -> Simulated {
    Simulated::new(
        -5.0,
        &[("2026-03-08 07:00", -4.0), ("2026-11-01 06:00", -5.0)],
    )
}

fn lord_howe() -> Simulated {
    Simulated::new(
        11.0,
        &[("2026-04-04 15:00", 10.5), ("2026-10-03 15:30", 11.0)],
    )
}

/// An expression, and all instants in UTC when it is due in the days around a change.
type Walk<'a> = (&'a str, &'a [&'a str]);

fn check(zone: &Simulated, from: &str, to: &str, walks: &[Walk]) {
    for (expression, expected) in walks {
        let due = due(expression, zone, utc(from), utc(to));
        let due: Vec<_> = due.into_iter().map(text).collect();
        assert_eq!(due, *expected, "{expression}");
    }
}

/// Due at the same distance, and so by day and night, on all days.
fn check_even(zone: &Simulated, from: &str, to: &str, expression: &str, distance: i64) {
    let due = due(expression, zone, utc(from), utc(to));
    assert_eq!(due[0], utc(from) + distance, "{expression}");
    for pair in due.windows(2) {
        assert_eq!(
            pair[1] - pair[0],
            distance,
            "{expression}: {}",
            text(pair[0])
        );
    }
    assert_eq!(due[due.len() - 1] + distance, utc(to), "{expression}");
}

#[test]
fn europe_berlin_sets_the_clock_forward() {
    check(
        &berlin(),
        "2026-03-28 00:00",
        "2026-03-30 21:00",
        &[
            // 02:30 is skipped: at the change, when the clock shows 03:00.
            (
                "30 2 * * *",
                &["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"],
            ),
            (
                "*/15 2 * * *",
                &[
                    "2026-03-28 01:00",
                    "2026-03-28 01:15",
                    "2026-03-28 01:30",
                    "2026-03-28 01:45",
                    "2026-03-29 01:00",
                    "2026-03-30 00:00",
                    "2026-03-30 00:15",
                    "2026-03-30 00:30",
                    "2026-03-30 00:45",
                ],
            ),
            (
                "0 3 * * *",
                &["2026-03-28 02:00", "2026-03-29 01:00", "2026-03-30 01:00"],
            ),
            // 02:00 is skipped and 03:00 shown at the change, which is one start.
            (
                "0 2,3 * * *",
                &[
                    "2026-03-28 01:00",
                    "2026-03-28 02:00",
                    "2026-03-29 01:00",
                    "2026-03-30 00:00",
                    "2026-03-30 01:00",
                ],
            ),
            ("59 23 * * *", &["2026-03-28 22:59", "2026-03-29 21:59"]),
            ("@daily", &["2026-03-28 23:00", "2026-03-29 22:00"]),
        ],
    );
    for (expression, distance) in [("*/15 * * * *", 15 * MINUTE), ("0 * * * *", HOUR)] {
        check_even(
            &berlin(),
            "2026-03-28 00:00",
            "2026-03-31 00:00",
            expression,
            distance,
        );
    }
}

#[test]
fn europe_berlin_sets_the_clock_back() {
    check(
        &berlin(),
        "2026-10-24 00:00",
        "2026-10-26 22:00",
        &[
            // Twice on the clock, once a start.
            (
                "30 2 * * *",
                &["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"],
            ),
            (
                "*/30 2 * * *",
                &[
                    "2026-10-24 00:30",
                    "2026-10-25 00:00",
                    "2026-10-25 00:30",
                    "2026-10-26 01:00",
                    "2026-10-26 01:30",
                ],
            ),
            (
                "0 3 * * *",
                &["2026-10-24 01:00", "2026-10-25 02:00", "2026-10-26 02:00"],
            ),
            ("0 2 * * *", &["2026-10-25 00:00", "2026-10-26 01:00"]),
            ("59 23 * * *", &["2026-10-24 21:59", "2026-10-25 22:59"]),
            ("@daily", &["2026-10-24 22:00", "2026-10-25 23:00"]),
        ],
    );
    for (expression, distance) in [("*/15 * * * *", 15 * MINUTE), ("0 * * * *", HOUR)] {
        check_even(
            &berlin(),
            "2026-10-24 00:00",
            "2026-10-27 00:00",
            expression,
            distance,
        );
    }
}

#[test]
fn america_new_york() {
    check(
        &new_york(),
        "2026-03-07 05:00",
        "2026-03-09 12:00",
        &[
            (
                "30 2 * * *",
                &["2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"],
            ),
            (
                "0 3 * * *",
                &["2026-03-07 08:00", "2026-03-08 07:00", "2026-03-09 07:00"],
            ),
            ("59 23 * * *", &["2026-03-08 04:59", "2026-03-09 03:59"]),
            ("@daily", &["2026-03-08 05:00", "2026-03-09 04:00"]),
        ],
    );
    check(
        &new_york(),
        "2026-10-31 04:00",
        "2026-11-02 12:00",
        &[
            (
                "30 1 * * *",
                &["2026-10-31 05:30", "2026-11-01 05:30", "2026-11-02 06:30"],
            ),
            (
                "30 2 * * *",
                &["2026-10-31 06:30", "2026-11-01 07:30", "2026-11-02 07:30"],
            ),
            (
                "0 3 * * *",
                &["2026-10-31 07:00", "2026-11-01 08:00", "2026-11-02 08:00"],
            ),
            ("59 23 * * *", &["2026-11-01 03:59", "2026-11-02 04:59"]),
            ("@daily", &["2026-11-01 04:00", "2026-11-02 05:00"]),
        ],
    );
    for (expression, distance) in [("*/15 * * * *", 15 * MINUTE), ("0 * * * *", HOUR)] {
        check_even(
            &new_york(),
            "2026-03-07 05:00",
            "2026-03-10 04:00",
            expression,
            distance,
        );
        check_even(
            &new_york(),
            "2026-10-31 04:00",
            "2026-11-03 05:00",
            expression,
            distance,
        );
    }
}

#[test]
fn australia_lord_howe_moves_by_half_an_hour() {
    check(
        &lord_howe(),
        "2026-04-03 13:30",
        "2026-04-05 18:00",
        &[
            (
                "45 1 * * *",
                &["2026-04-03 14:45", "2026-04-04 14:45", "2026-04-05 15:15"],
            ),
            (
                "30 2 * * *",
                &["2026-04-03 15:30", "2026-04-04 16:00", "2026-04-05 16:00"],
            ),
            (
                "0 3 * * *",
                &["2026-04-03 16:00", "2026-04-04 16:30", "2026-04-05 16:30"],
            ),
            ("59 23 * * *", &["2026-04-04 12:59", "2026-04-05 13:29"]),
            ("@daily", &["2026-04-04 13:00", "2026-04-05 13:30"]),
        ],
    );
    // The half hour that is repeated has no full hour.
    check(
        &lord_howe(),
        "2026-04-04 12:30",
        "2026-04-04 17:00",
        &[(
            "0 * * * *",
            &[
                "2026-04-04 13:00",
                "2026-04-04 14:00",
                "2026-04-04 15:30",
                "2026-04-04 16:30",
            ],
        )],
    );
    check(
        &lord_howe(),
        "2026-10-02 13:30",
        "2026-10-04 18:00",
        &[
            (
                "15 2 * * *",
                &["2026-10-02 15:45", "2026-10-03 15:30", "2026-10-04 15:15"],
            ),
            (
                "30 2 * * *",
                &["2026-10-02 16:00", "2026-10-03 15:30", "2026-10-04 15:30"],
            ),
            ("59 23 * * *", &["2026-10-03 13:29", "2026-10-04 12:59"]),
            ("@daily", &["2026-10-03 13:30", "2026-10-04 13:00"]),
        ],
    );
    // 02:00 is skipped.
    check(
        &lord_howe(),
        "2026-10-03 13:30",
        "2026-10-03 17:30",
        &[(
            "0 * * * *",
            &[
                "2026-10-03 14:30",
                "2026-10-03 15:30",
                "2026-10-03 16:00",
                "2026-10-03 17:00",
            ],
        )],
    );
    check_even(
        &lord_howe(),
        "2026-04-03 13:00",
        "2026-04-06 13:30",
        "*/15 * * * *",
        15 * MINUTE,
    );
    check_even(
        &lord_howe(),
        "2026-10-02 13:30",
        "2026-10-05 13:00",
        "*/15 * * * *",
        15 * MINUTE,
    );
}

#[test]
fn every_two_hours_waits_three_when_the_clock_is_set_back() {
    check(
        &berlin(),
        "2026-10-24 21:00",
        "2026-10-25 06:00",
        &[(
            "0 */2 * * *",
            &[
                "2026-10-24 22:00",
                "2026-10-25 00:00",
                "2026-10-25 03:00",
                "2026-10-25 05:00",
            ],
        )],
    );
}

#[test]
fn pacific_apia_left_out_a_day() {
    let apia = Simulated::new(-10.0, &[("2011-12-30 10:00", 14.0)]);
    check(
        &apia,
        "2011-12-29 00:00",
        "2012-01-01 00:00",
        &[
            // 2011-12-30 12:00 was never shown.
            (
                "0 12 * * *",
                &[
                    "2011-12-29 22:00",
                    "2011-12-30 10:00",
                    "2011-12-30 22:00",
                    "2011-12-31 22:00",
                ],
            ),
            ("0 12 30 * *", &["2011-12-30 10:00"]),
        ],
    );
}

#[test]
fn an_interval_does_not_look_at_the_wall_clock() {
    let from = utc("2026-10-24 23:50");
    let day = Schedule::parse("1 day").unwrap();
    assert_eq!(text(day.next_after(from, &berlin())), "2026-10-25 23:50");
    let hour = Schedule::parse("1 hour").unwrap();
    assert_eq!(text(hour.next_after(from, &berlin())), "2026-10-25 00:50");
}

#[test]
fn the_day_of_the_week_is_the_wall_clock_s() {
    // Monday in Auckland, Sunday in UTC.
    let auckland = Simulated::new(12.0, &[]);
    check(
        &auckland,
        "2026-06-20 00:00",
        "2026-06-28 00:00",
        &[("30 8 * * mon", &["2026-06-21 20:30"])],
    );
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let utc = Simulated::new(0.0, &[]);
    let cron = Schedule::parse("*/15 * * * *").unwrap();
    let every = Schedule::parse("1 day").unwrap();
    for schedule in [&cron, &every] {
        let first = schedule.next_after(i64::MIN, &utc);
        assert!(i64::MIN < first && first < 0);
        for late in [i64::MAX - 1, i64::MAX] {
            assert_eq!(schedule.next_after(late, &utc), i64::MAX);
        }
    }
    for years in [-900, -500, 500, 1_500] {
        let after = years * 365 * DAY;
        assert_eq!(cron.next_after(after, &utc), after + 15 * MINUTE);
    }
}
