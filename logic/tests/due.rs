//! When a table is due next, by its schedule and what is known of its runs.

mod common;

use common::clock::{DAY, HOUR, MINUTE, SECOND, Simulated, text, utc};
use logic::due::{Past, next_start};
use logic::schedule::Schedule;
use proptest::prelude::*;

/// A table that was scheduled at this instant, and never cleared.
fn scheduled(since: i64) -> Past {
    Past {
        since,
        before: None,
        last_start: None,
        last_end: None,
        failures: 0,
        shortest: SECOND,
        table: 16_384,
    }
}

/// The same after a run.
fn cleared(since: i64, last_start: i64, last_end: i64) -> Past {
    Past {
        last_start: Some(last_start),
        last_end: Some(last_end),
        ..scheduled(since)
    }
}

fn next(schedule: &str, past: Past) -> i64 {
    let schedule = Schedule::parse(schedule).expect("a schedule");
    next_start(&schedule, &Simulated::new(0.0, &[]), past)
}

#[test]
fn a_table_that_was_never_cleared_is_due_at_once_by_an_interval() {
    let since = utc("2026-03-10 12:34");
    assert_eq!(next("15 min", scheduled(since)), since);
}

#[test]
fn an_interval_counts_from_the_start_of_the_last_run_and_not_from_its_end() {
    let start = utc("2026-03-10 12:00");
    let past = cleared(start - DAY, start, start + 10 * MINUTE);
    assert_eq!(next("15 min", past), start + 15 * MINUTE);
    // One that took longer than the interval is followed by the next at once.
    let past = cleared(start - DAY, start, start + HOUR);
    assert_eq!(next("15 min", past), start + 15 * MINUTE);
}

#[test]
fn a_cron_expression_is_first_due_after_the_table_was_scheduled() {
    let since = utc("2026-03-10 12:34");
    let due = next("0 3 * * *", scheduled(since));
    assert_eq!(text(due), "2026-03-11 03:00");
}

#[test]
fn a_cron_expression_counts_from_the_end_of_the_last_run() {
    let (start, end) = (utc("2026-03-10 03:00"), utc("2026-03-10 03:40"));
    let due = next("*/15 * * * *", cleared(start - DAY, start, end));
    assert_eq!(text(due), "2026-03-10 03:45");
}

#[test]
fn what_was_due_while_the_time_was_kept_stays_due_and_what_was_missed_in_between_does_not() {
    let (start, end) = (utc("2026-03-09 03:00"), utc("2026-03-09 03:40"));
    let now = utc("2026-03-10 12:00");
    let kept = |until| Past {
        before: Some((start - DAY, utc(until))),
        ..cleared(now, start, end)
    };
    assert_eq!(
        text(next("0 3 * * *", kept("2026-03-10 03:05"))),
        "2026-03-10 03:00"
    );
    assert_eq!(
        text(next("0 3 * * *", kept("2026-03-10 02:55"))),
        "2026-03-11 03:00"
    );
    // It was done since.
    let done = Past {
        before: Some((start - DAY, utc("2026-03-09 03:05"))),
        ..cleared(now, start, end)
    };
    assert_eq!(text(next("0 3 * * *", done)), "2026-03-11 03:00");
}

#[test]
fn a_run_that_has_not_ended_counts_by_its_start() {
    let start = utc("2026-03-10 03:00");
    let past = Past {
        last_end: None,
        ..cleared(start - DAY, start, start)
    };
    assert_eq!(text(next("*/15 * * * *", past)), "2026-03-10 03:15");
}

#[test]
fn no_table_is_due_more_often_than_the_administrator_allows() {
    let start = utc("2026-03-10 12:00");
    for (schedule, due) in [
        ("1 s", "2026-03-10 12:10"),
        ("* * * * *", "2026-03-10 12:10"),
        ("15 min", "2026-03-10 12:15"),
    ] {
        let past = Past {
            shortest: 10 * MINUTE,
            ..cleared(start - DAY, start, start + SECOND)
        };
        assert_eq!(text(next(schedule, past)), due, "{schedule}");
    }
}

#[test]
fn a_new_schedule_or_a_return_of_the_worker_makes_up_for_nothing() {
    // Last cleared last week; since this noon there is a worker again.
    let start = utc("2026-03-03 03:00");
    let since = utc("2026-03-10 12:00");
    let due = next("0 3 * * *", cleared(since, start, start + MINUTE));
    assert_eq!(text(due), "2026-03-11 03:00");
}

#[test]
fn what_has_failed_is_due_after_its_back_off_whatever_its_schedule() {
    let since = utc("2026-03-10 12:00");
    // What failed in the night is not left for the next, nor for the next week.
    for schedule in ["1 s", "15 min", "7 d", "0 3 * * *"] {
        let past = cleared(since, since, since + SECOND);
        for (failures, delay) in [(1, MINUTE), (2, 2 * MINUTE), (10, HOUR)] {
            let late = next(schedule, Past { failures, ..past }) - (since + SECOND);
            let (least, most) = (delay * 9 / 10, delay * 11 / 10);
            assert!((least..=most).contains(&late), "{schedule}: {late}");
        }
    }
}

#[test]
fn tables_that_failed_together_come_back_apart_and_each_at_the_same_instant_whoever_asks() {
    let since = utc("2026-03-10 12:00");
    let late = |table| {
        let past = cleared(since, since, since + SECOND);
        next(
            "15 min",
            Past {
                failures: 3,
                table,
                ..past
            },
        )
    };
    let instants: Vec<_> = (16_384..16_484).map(late).collect();
    let again: Vec<_> = (16_384..16_484).map(late).collect();
    assert_eq!(instants, again);
    let mut different = instants.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 90, "{} of 100", different.len());
    let spread = different[different.len() - 1] - different[0];
    assert!(spread > 30 * SECOND, "{spread}");
}

#[test]
fn what_is_never_due_stays_so_after_failures() {
    let past = Past {
        failures: 5,
        ..scheduled(i64::MAX - 1)
    };
    assert_eq!(next("15 min", past), i64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// By whatever has happened: never before the schedule was made, and by cron never for what has passed already.
    #[test]
    fn nothing_is_due_before_it_is_scheduled(
        since in -HOUR..DAY, start in prop::option::of(-DAY..DAY), length in 0..HOUR, failures in 0_u32..20,
        schedule in prop::sample::select(vec!["*/15 * * * *", "0 3 * * *", "1 h"]),
    ) {
        let past = Past {
            last_start: start,
            last_end: start.map(|start| start + length),
            failures,
            ..scheduled(since)
        };
        let due = next(schedule, past);
        match start {
            Some(start) if schedule == "1 h" && failures == 0 => prop_assert!(due >= start + HOUR),
            Some(start) if schedule == "1 h" => prop_assert!(due > start + length),
            Some(start) => prop_assert!(due > since.max(start + length)),
            None => prop_assert!(due >= since),
        }
    }
}
