//! How failures in a row delay the next start.

use logic::backoff::delay;
use proptest::prelude::*;
use std::time::Duration;

const MINUTES: [u64; 9] = [0, 1, 2, 4, 8, 16, 32, 60, 60];

fn minutes(minutes: f64) -> Duration {
    Duration::from_secs_f64(minutes * 60.0)
}

fn is_near(left: Duration, right: Duration) -> bool {
    left.abs_diff(right) < Duration::from_micros(1)
}

#[test]
fn the_delay_doubles_from_a_minute_to_an_hour() {
    for (failures, expected) in MINUTES.into_iter().enumerate() {
        let found = delay(failures as u32, 0.5);
        assert!(
            is_near(found, minutes(expected as f64)),
            "{failures}: {found:?}"
        );
    }
}

#[test]
fn jitter_spreads_the_delay_by_a_tenth_either_way() {
    for (jitter, expected) in [(0.0, 0.9), (0.25, 0.95), (0.5, 1.0), (1.0, 1.1)] {
        assert!(is_near(delay(1, jitter), minutes(expected)), "{jitter}");
        assert!(
            is_near(delay(100, jitter), minutes(60.0 * expected)),
            "{jitter}"
        );
    }
}

#[test]
fn jitter_out_of_range_spreads_nothing() {
    for jitter in [-0.1, 1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(delay(2, jitter), delay(2, 0.5), "{jitter}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_failures_never_shorten_the_delay(failures: u32, more: u32, jitter in 0.0..1.0) {
        let more = failures.saturating_add(more);
        prop_assert!(delay(failures, jitter) <= delay(more, jitter));
    }
}
