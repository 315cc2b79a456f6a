//! Whether replicas keep up with a run.

use crate::pg::{self, Lsn};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Where the WAL ended after batches, and since when it is on the disk: what a replica has not replayed long after is
/// its lag. Unlike the lag that the server measures from replies, this grows while a replica replays nothing at all.
///
/// Batches commit asynchronously. What the WAL writer has not flushed yet, for some tenths of a second, no replica can
/// have, and none is waited for because of it.
#[derive(Debug, Default)]
pub struct Replicas {
    written: VecDeque<Lsn>,
    flushed: VecDeque<(Instant, Lsn)>,
}

impl Replicas {
    /// Notes where the WAL ends.
    pub fn note(&mut self) {
        self.written.push_back(pg::wal_end());
    }

    /// Whether a replica has yet to replay what was written longer ago than this.
    pub fn lag_behind(&mut self, limit: Duration) -> bool {
        let Some(replayed) = pg::replayed_by_all() else {
            self.written.clear();
            self.flushed.clear();
            return false;
        };
        self.notice_flushed();
        while self
            .flushed
            .front()
            .is_some_and(|(_, end)| *end <= replayed)
        {
            self.flushed.pop_front();
        }
        self.flushed
            .front()
            .is_some_and(|(since, _)| since.elapsed() > limit)
    }

    /// Of what was flushed at one time, the end is enough.
    fn notice_flushed(&mut self) {
        let flushed = pg::wal_flushed();
        let mut last = None;
        while self.written.front().is_some_and(|end| *end <= flushed) {
            last = self.written.pop_front();
        }
        if let Some(end) = last {
            self.flushed.push_back((Instant::now(), end));
        }
    }
}
