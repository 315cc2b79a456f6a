//! A clock that is set far ahead has everything expire at once. Most such clocks are wrong, and set right within the hour: by
//! an operator, or by the server that they were to follow.
//!
//! A clock that runs is no news; one that is set is told by a second clock, which nobody can set, and which counts the time since
//! some beginning: the difference between the two changes.

use crate::number::microseconds;
use std::time::Duration;

/// A step that is smaller is one that keeps a clock right, and ends no session that was not about to end.
pub const SMALLEST: Duration = Duration::from_secs(300);

/// After so long a clock that was set ahead is right.
pub const WAIT: Duration = Duration::from_secs(3_600);

/// What is known of the clock, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How far the clock was ahead of the steady one when it was last right; `None`: it has not been looked at.
    pub offset: Option<i64>,
    /// Since when, by the steady clock, it has been further ahead; `None`: it is not.
    pub ahead_since: Option<i64>,
}

/// By how much a clock is too far ahead, and how long until it counts as right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub step: Duration,
    pub left: Duration,
}

/// What is known when the clock shows `wall` and the steady one `steady`; and whether it is too far ahead to go by.
pub fn look(known: Known, wall: i64, steady: i64) -> (Known, Option<Ahead>) {
    let offset = wall.saturating_sub(steady);
    let is_right = Known {
        offset: Some(offset),
        ahead_since: None,
    };
    let step = known.offset.map_or(0, |right| offset.saturating_sub(right));
    if step <= microseconds(SMALLEST) {
        return (is_right, None);
    }
    let since = known.ahead_since.unwrap_or(steady);
    let waited = Duration::from_micros(steady.saturating_sub(since).unsigned_abs());
    if waited >= WAIT {
        return (is_right, None);
    }
    let ahead = Ahead {
        step: Duration::from_micros(step.unsigned_abs()),
        left: WAIT - waited,
    };
    let still = Known {
        ahead_since: Some(since),
        ..known
    };
    (still, Some(ahead))
}
