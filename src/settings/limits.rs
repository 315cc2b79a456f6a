//! What a run may take.

use super::{BATCH_SIZE, MAX_REPLICATION_LAG, cost_delay, cost_limit, lock_timeout, max_run_time};
use std::time::Duration;

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

impl Limits {
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
