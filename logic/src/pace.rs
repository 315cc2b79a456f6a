//! How fast a run may go, in autovacuum's currency.
//!
//! Work costs what `vacuum_cost_page_hit`, `_miss` and `_dirty` say, and each `cost_limit` of it is paid for with a
//! sleep of `cost_delay`. Vacuum pays after each page, inside its transaction, and forgives what a page cost beyond
//! four delays. A run pays after each batch, when its transaction has ended, and a batch is many pages: it pays all.

use std::time::Duration;

/// The longest sleep at a time. The rest stays owed, at the price of the settings then in force.
const LONGEST: Duration = Duration::from_secs(1);

/// The cost that a sleep of that length pays for; `None` where nothing is paid for.
pub fn cost_of(sleep: Duration, cost_delay: Duration, cost_limit: u32) -> Option<u64> {
    let (delay, limit) = (cost_delay.as_nanos(), u128::from(cost_limit));
    if delay == 0 || limit == 0 {
        return None;
    }
    let cost = sleep.as_nanos().saturating_mul(limit) / delay;
    Some(u64::try_from(cost).unwrap_or(u64::MAX))
}

/// What a run has cost and not paid for.
#[derive(Debug, Default)]
pub struct Pace {
    balance: u64,
}

impl Pace {
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has cost and not paid for.
    pub fn balance(&self) -> u64 {
        self.balance
    }

    /// Adds the cost of a batch.
    pub fn charge(&mut self, cost: u64) {
        self.balance = self.balance.saturating_add(cost);
    }

    /// The sleep that is owed, which counts as paid with this call. After it, ask again: a batch that is worth more
    /// than a second is paid for by the second, until nothing is owed.
    ///
    /// A balance below the limit is carried over, as vacuum does. A delay or a limit of zero means no limit: nothing is
    /// owed, and nothing will be for what was done so far.
    pub fn owed(&mut self, cost_delay: Duration, cost_limit: u32) -> Duration {
        let (delay, limit) = (cost_delay.as_nanos(), u128::from(cost_limit));
        if delay == 0 || limit == 0 {
            self.balance = 0;
            return Duration::ZERO;
        }
        if u128::from(self.balance) < limit {
            return Duration::ZERO;
        }
        let owed = delay.saturating_mul(u128::from(self.balance)) / limit;
        if owed <= LONGEST.as_nanos() {
            self.balance = 0;
            return Duration::from_nanos_u128(owed);
        }
        // Rounded up, so that each sleep pays for something.
        let paid = (LONGEST.as_nanos() * limit).div_ceil(delay);
        let paid = u64::try_from(paid).unwrap_or(u64::MAX);
        self.balance = self.balance.saturating_sub(paid);
        LONGEST
    }
}
