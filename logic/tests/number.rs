//! Numbers that another type cannot hold.

use logic::number;
use std::time::Duration;

#[test]
fn a_number_that_does_not_fit_is_the_nearest_that_does() {
    assert_eq!(number::microseconds(Duration::MAX), i64::MAX);
    assert_eq!(number::microseconds(Duration::from_millis(2)), 2_000);
    assert_eq!(number::milliseconds(Duration::MAX), u64::MAX);
    assert_eq!(number::milliseconds(Duration::from_secs(3)), 3_000);
    assert_eq!(number::bigint(u64::MAX), i64::MAX);
    assert_eq!(number::bigint(7), 7);
    assert_eq!(number::count(-1), 0);
    assert_eq!(number::count(i64::MAX), i64::MAX.unsigned_abs());
    assert_eq!(number::clamped(i128::MIN), i64::MIN);
    assert_eq!(number::clamped(i128::MAX), i64::MAX);
    assert_eq!(number::clamped(-5), -5);
    assert_eq!(number::whole(f64::INFINITY), i64::MAX);
    assert_eq!(number::whole(f64::NAN), 0);
    assert_eq!(number::whole(-2.9), -2);
}
