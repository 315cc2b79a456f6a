//! How much of the work is done, and how long the rest will take. Where that cannot be known, there is no number.

use std::time::Duration;

/// What has been done, of how much, in which time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    pub elapsed: Duration,
    /// 0 where it is not known how much there is to read.
    pub blocks_total: u64,
    pub blocks_done: u64,
    pub deleted: u64,
    /// The budgets at which the work ends before all blocks have been read.
    pub max_rows: Option<u64>,
    pub max_duration: Option<Duration>,
}

impl Measure {
    /// The share of the blocks that has been read, in percent with one decimal, rounded down: only all of them are 100.
    pub fn percent(&self) -> Option<f64> {
        if self.blocks_total == 0 {
            return None;
        }
        let done = self.blocks_done.min(self.blocks_total);
        let per_mille = u128::from(done) * 1000 / u128::from(self.blocks_total);
        Some(per_mille as f64 / 10.0)
    }

    /// How long the rest takes at the pace so far, or until a budget ends it.
    pub fn time_left(&self) -> Option<Duration> {
        let by_blocks = self.until(self.blocks_done, self.blocks_total)?;
        let by_rows = self
            .max_rows
            .and_then(|rows| self.until(self.deleted, rows));
        let by_time = self
            .max_duration
            .map(|duration| duration.saturating_sub(self.elapsed));
        [Some(by_blocks), by_rows, by_time]
            .into_iter()
            .flatten()
            .min()
    }

    fn until(&self, done: u64, total: u64) -> Option<Duration> {
        if done == 0 || total == 0 {
            return None;
        }
        let rest = u128::from(total.saturating_sub(done));
        let microseconds = self.elapsed.as_micros() * rest / u128::from(done);
        Some(Duration::from_micros(
            microseconds.try_into().unwrap_or(u64::MAX),
        ))
    }
}

/// A length of time in words, rounded up to the unit that a reader needs.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let minutes = seconds.div_ceil(60);
    let hours = minutes.div_ceil(60);
    match (seconds, minutes, hours) {
        (0..60, ..) => format!("{seconds} s"),
        (_, 0..60, _) => format!("{minutes} min"),
        (_, _, 0..24) => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}
