//! Whether replicas keep up with a run.

use crate::pg::{self, Lsn};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Where the WAL ended after each batch, and when: what a replica has not replayed long after is its lag. Unlike the lag
/// that the server measures from replies, this grows while a replica replays nothing at all.
#[derive(Debug, Default)]
pub struct Replicas {
    written: VecDeque<(Instant, Lsn)>,
}

impl Replicas {
    /// Notes where the WAL ends.
    pub fn note(&mut self) {
        self.written.push_back((Instant::now(), pg::wal_end()));
    }

    /// Whether a replica has yet to replay what was written longer ago than this.
    pub fn lag_behind(&mut self, limit: Duration) -> bool {
        let Some(replayed) = pg::replayed_by_all() else {
            self.written.clear();
            return false;
        };
        while self
            .written
            .front()
            .is_some_and(|(_, end)| *end <= replayed)
        {
            self.written.pop_front();
        }
        self.written
            .front()
            .is_some_and(|(when, _)| when.elapsed() > limit)
    }
}
