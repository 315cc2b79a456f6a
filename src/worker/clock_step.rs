//! Whether the server's clock can be gone by: one that was set far ahead has every session expire at once. Until it is set right,
//! or an hour is over, the worker rests, as if it was paused; what is called by hand goes by the clock, as `DELETE` would.

use super::board::board;
use crate::pg;
use logic::clock_step::{Ahead, Known, look};
use std::sync::atomic::{AtomicI64, Ordering};

/// What the launcher and the workers know of the clock. Each goes by its own reading; what two of them note at the same time differs
/// by what has passed in between.
pub struct ClockStep {
    offset: AtomicI64,
    ahead_since: AtomicI64,
}

/// All zero, nothing is known, as in a server that has just started: the steady clock has not been 0 since.
fn known(number: i64) -> Option<i64> {
    Some(number).filter(|number| *number != 0)
}

impl ClockStep {
    fn look(&self) -> Option<Ahead> {
        let before = Known {
            offset: known(self.offset.load(Ordering::Acquire)),
            ahead_since: known(self.ahead_since.load(Ordering::Acquire)),
        };
        let (after, ahead) = look(before, pg::now(), pg::steady());
        if after != before {
            self.offset
                .store(after.offset.unwrap_or(0), Ordering::Release);
            self.ahead_since
                .store(after.ahead_since.unwrap_or(0), Ordering::Release);
        }
        ahead
    }
}

/// Whether the clock is too far ahead, and for how long it still counts as wrong; `None`: it can be gone by.
pub fn ahead() -> Option<Ahead> {
    board()?.clock.look()
}
