//! How much of a clearing is done, and how long the rest takes.

use logic::measure::{Measure, in_words};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Ten seconds in, 250 of 1000 blocks read, 100 rows deleted.
fn a_quarter() -> Measure {
    Measure {
        elapsed: 10 * SECOND,
        blocks_total: 1000,
        blocks_done: 250,
        deleted: 100,
        ..Measure::default()
    }
}

#[test]
fn the_rest_takes_as_long_as_the_pace_so_far_says() {
    assert_eq!(a_quarter().percent(), Some(25.0));
    assert_eq!(a_quarter().time_left(), Some(30 * SECOND));
}

#[test]
fn a_budget_ends_it_before() {
    let rows = Measure {
        max_rows: Some(150),
        ..a_quarter()
    };
    assert_eq!(rows.time_left(), Some(5 * SECOND));
    let time = Measure {
        max_duration: Some(12 * SECOND),
        ..a_quarter()
    };
    assert_eq!(time.time_left(), Some(2 * SECOND));
    let both_are_far = Measure {
        max_rows: Some(1_000_000),
        max_duration: Some(3600 * SECOND),
        ..a_quarter()
    };
    assert_eq!(both_are_far.time_left(), Some(30 * SECOND));
}

#[test]
fn a_budget_that_is_used_up_leaves_no_time() {
    let measure = Measure {
        max_duration: Some(SECOND),
        ..a_quarter()
    };
    assert_eq!(measure.time_left(), Some(Duration::ZERO));
}

#[test]
fn what_is_not_known_is_no_number() {
    let nothing_read = Measure {
        blocks_done: 0,
        ..a_quarter()
    };
    assert_eq!(nothing_read.percent(), Some(0.0));
    assert_eq!(nothing_read.time_left(), None);
    let no_blocks = Measure {
        blocks_total: 0,
        blocks_done: 0,
        // Without the blocks nobody knows whether there are so many rows.
        max_rows: Some(200),
        max_duration: Some(3600 * SECOND),
        ..a_quarter()
    };
    assert_eq!(no_blocks.percent(), None);
    assert_eq!(no_blocks.time_left(), None);
}

#[test]
fn only_all_of_it_is_a_hundred_percent() {
    let percent = |blocks_done, blocks_total| {
        Measure {
            blocks_done,
            blocks_total,
            ..Measure::default()
        }
        .percent()
    };
    assert_eq!(percent(999_999, 1_000_000), Some(99.9));
    assert_eq!(percent(1_000_000, 1_000_000), Some(100.0));
    // A table may have lost blocks since they were counted.
    assert_eq!(percent(11, 10), Some(100.0));
    assert_eq!(percent(u64::MAX, u64::MAX), Some(100.0));
}

#[test]
fn a_long_time_and_a_large_table_do_not_overflow() {
    let measure = Measure {
        elapsed: Duration::from_secs(u64::MAX / 1_000_000),
        blocks_total: u64::MAX,
        blocks_done: 1,
        ..Measure::default()
    };
    assert_eq!(
        measure.time_left(),
        Some(Duration::from_micros(u64::MAX)),
        "no longer than can be said"
    );
}

#[test]
fn a_time_is_said_as_somebody_waits_for_it() {
    for (seconds, words) in [
        (0.0, "0 s"),
        (0.2, "1 s"),
        (59.0, "59 s"),
        (59.5, "1 min"),
        (61.0, "2 min"),
        (3_599.0, "1 h 0 min"),
        (3_600.0, "1 h 0 min"),
        (5_000.0, "1 h 24 min"),
        (82_800.0, "23 h 0 min"),
        (86_399.0, "1 d 0 h"),
        (200_000.0, "2 d 8 h"),
    ] {
        assert_eq!(in_words(Duration::from_secs_f64(seconds)), words);
    }
}
