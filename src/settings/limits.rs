//! What a run may take.

use super::{BATCH_SIZE, MAX_REPLICATION_LAG, cost_delay, cost_limit, lock_timeout, max_run_time};
use std::time::Duration;

/// Also the longest that any of the settings takes.
fn in_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What a run may take. Read again before each batch, so that a reload of the settings applies at once.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rows that one transaction deletes, about.
    pub batch_size: u64,
    /// Rows that the run deletes, about; `None`: all that have expired.
    pub max_rows: Option<u64>,
    /// How long the run takes, about; `None`: as long as it needs.
    pub max_duration: Option<Duration>,
    /// How long to sleep for each `cost_limit` of cost; zero: not at all.
    pub cost_delay: Duration,
    /// The cost, in units of autovacuum's settings, after which the run sleeps.
    pub cost_limit: u32,
    /// Wait while a replica replays later than this; `None`: do not look.
    pub max_replication_lag: Option<Duration>,
    /// How long to wait for the lock on the table.
    pub lock_timeout: Duration,
}

/// How many of them are the administrator's to set for the worker.
pub const LIMITS: usize = 5;

impl Limits {
    /// Those, as numbers for shared memory: the smaller, the stricter.
    pub fn in_numbers(&self) -> [u64; LIMITS] {
        let longest = |time: Option<Duration>| time.map_or(u64::MAX, in_nanoseconds);
        [
            longest(self.max_duration),
            u64::MAX - in_nanoseconds(self.cost_delay),
            u64::from(self.cost_limit).wrapping_sub(1),
            longest(self.max_replication_lag),
            in_nanoseconds(self.lock_timeout),
        ]
    }

    /// The same limits but for these.
    pub fn with_numbers(self, numbers: [u64; LIMITS]) -> Limits {
        let [duration, delay, cost, lag, lock] = numbers;
        let longest = |time| (time != u64::MAX).then(|| Duration::from_nanos(time));
        Limits {
            max_duration: longest(duration),
            cost_delay: Duration::from_nanos(u64::MAX - delay),
            cost_limit: u32::try_from(cost.wrapping_add(1)).unwrap_or(u32::MAX),
            max_replication_lag: longest(lag),
            lock_timeout: Duration::from_nanos(lock),
            ..self
        }
    }

    /// Those of the settings, for a run of which neither its policy nor its CALL says otherwise.
    pub fn by_settings() -> Limits {
        Limits {
            batch_size: BATCH_SIZE.get().max(1).unsigned_abs().into(),
            max_rows: None,
            max_duration: max_run_time(),
            cost_delay: cost_delay(),
            cost_limit: cost_limit(),
            max_replication_lag: MAX_REPLICATION_LAG.milliseconds(),
            lock_timeout: lock_timeout(),
        }
    }
}
