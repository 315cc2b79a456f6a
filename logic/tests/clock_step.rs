//! Whether the clock can be gone by.

use logic::clock_step::{Ahead, Known, SMALLEST, WAIT, look};
use logic::number::microseconds;
use std::time::Duration;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What was known when the clock showed the first day, a second after the steady clock began.
fn right() -> Known {
    let (known, ahead) = look(Known::default(), DAY, SECOND);
    assert_eq!(
        ahead, None,
        "of a clock that has not been looked at nothing is known"
    );
    known
}

#[test]
fn a_clock_that_runs_and_is_kept_right_can_be_gone_by() {
    let mut known = right();
    for hour in 1..1000 {
        // A minute an hour too fast, and set back now and then.
        let fast = if hour % 7 == 0 {
            -DAY
        } else {
            hour * 60 * SECOND
        };
        let passed = hour * 3600 * SECOND;
        let (next, ahead) = look(known, DAY + passed + fast, SECOND + passed);
        // What was set back by a day is set right again: that is a step ahead.
        let is_step = hour % 7 == 1 && hour > 1;
        assert_eq!(ahead.is_some(), is_step, "{hour}");
        known = if is_step {
            look(Known::default(), DAY + passed + fast, SECOND + passed).0
        } else {
            next
        };
    }
}

#[test]
fn a_clock_that_was_set_ahead_can_be_gone_by_after_an_hour() {
    let step = 400 * DAY;
    let (known, ahead) = look(right(), 2 * DAY + step, SECOND + DAY);
    let whole = Duration::from_micros(step.unsigned_abs());
    assert_eq!(
        ahead,
        Some(Ahead {
            step: whole,
            left: WAIT
        })
    );
    let shortly_before = DAY + microseconds(WAIT) - SECOND;
    let (known, ahead) = look(known, DAY + shortly_before + step, SECOND + shortly_before);
    assert_eq!(
        ahead,
        Some(Ahead {
            step: whole,
            left: Duration::from_secs(1)
        })
    );
    let then = shortly_before + SECOND;
    let (known, ahead) = look(known, DAY + then + step, SECOND + then);
    assert_eq!((known.ahead_since, ahead), (None, None));
    // From then on it is that which it was set to.
    assert_eq!(
        look(known, DAY + then + step + DAY, SECOND + then + DAY).1,
        None
    );
}

#[test]
fn a_clock_that_is_set_right_again_can_be_gone_by_at_once() {
    let (known, ahead) = look(right(), 400 * DAY, 2 * SECOND);
    assert!(ahead.is_some());
    let (known, ahead) = look(known, DAY + 2 * SECOND, 3 * SECOND);
    assert_eq!(ahead, None);
    // The next hour begins anew.
    let (_, ahead) = look(known, 400 * DAY, microseconds(WAIT) * 2);
    assert_eq!(ahead.map(|ahead| ahead.left), Some(WAIT));
}

#[test]
fn a_step_counts_from_five_minutes() {
    let after = |step: i64| look(right(), DAY + step, SECOND).1;
    assert_eq!(after(microseconds(SMALLEST)), None);
    assert!(after(microseconds(SMALLEST) + 1).is_some());
    assert_eq!(after(-100 * DAY), None);
    assert!(look(right(), i64::MAX, SECOND).1.is_some());
    assert_eq!(look(right(), i64::MIN, SECOND).1, None);
}
