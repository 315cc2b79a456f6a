//! Numbers of one type as those of another that cannot hold them all: the nearest that it can.

use std::time::Duration;

/// Microseconds, as PostgreSQL counts instants and intervals.
pub fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Milliseconds, for texts and records.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A count as SQL's bigint.
pub fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as memory is addressed.
pub fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A number that is not to be below 0.
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What does not fit into a bigint is its largest or its smallest value.
pub fn clamped(number: i128) -> i64 {
    let nearest = if number < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(number).unwrap_or(nearest)
}

/// An estimate without its fraction; 0 for NaN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` takes the nearest number from a float"
)]
pub fn whole(estimate: f64) -> i64 {
    estimate as i64
}
