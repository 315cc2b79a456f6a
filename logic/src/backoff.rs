//! Failures in a row make the next start later.
//!
//! What fails once mostly fails for a moment: a lock, a restart, a full disk that somebody is clearing. So the first
//! delay is a minute. What fails all day waits for a person: an hour keeps its errors to some twenty lines a day in the
//! log, and is not too long to wait for once the cause is gone.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3_600);

/// The part of the delay by which the jitter makes it longer or shorter.
const SPREAD: f64 = 0.1;

/// What is added to the next due instant after this many failures in a row: a minute, doubled with each failure, up to
/// an hour.
///
/// `jitter`, from 0 to 1, spreads it by a tenth either way, so that tables which failed together, because they wait for
/// the same thing, do not all come back together.
pub fn delay(failures: u32, jitter: f64) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        return Duration::ZERO;
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let delay = FIRST.saturating_mul(factor).min(LONGEST);
    // NaN would be a panic below.
    let jitter = if (0.0..=1.0).contains(&jitter) {
        jitter
    } else {
        0.5
    };
    delay.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter)
}
