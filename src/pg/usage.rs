//! What this process has used since some moment: WAL and buffers.

use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Counts, or the difference of two.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    pub wal_bytes: u64,
    pub buffers_hit: i64,
    pub buffers_read: i64,
    pub buffers_dirtied: i64,
}

impl Usage {
    /// Since the process started.
    pub fn now() -> Usage {
        // SAFETY: counters of this process (executor/instrument.h), only read.
        unsafe {
            Usage {
                wal_bytes: pg_sys::pgWalUsage.wal_bytes,
                buffers_hit: pg_sys::pgBufferUsage.shared_blks_hit,
                buffers_read: pg_sys::pgBufferUsage.shared_blks_read,
                buffers_dirtied: pg_sys::pgBufferUsage.shared_blks_dirtied,
            }
        }
    }

    /// What has been used since `self` was taken.
    pub fn since(self) -> Usage {
        let now = Usage::now();
        Usage {
            wal_bytes: now.wal_bytes - self.wal_bytes,
            buffers_hit: now.buffers_hit - self.buffers_hit,
            buffers_read: now.buffers_read - self.buffers_read,
            buffers_dirtied: now.buffers_dirtied - self.buffers_dirtied,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Usage) {
        self.wal_bytes += more.wal_bytes;
        self.buffers_hit += more.buffers_hit;
        self.buffers_read += more.buffers_read;
        self.buffers_dirtied += more.buffers_dirtied;
    }
}
