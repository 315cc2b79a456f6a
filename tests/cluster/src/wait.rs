//! Waiting for a condition, never for a time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take on a slow and busy machine before a test gives up on it.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(5);

/// Returns as soon as the condition holds; panics, naming it, when it does not within [`LIMIT`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited in vain until {what}");
        sleep(INTERVAL);
    }
}
