//! The tables whose statement ended its worker with it, because it did not let itself be canceled: they come after the
//! others. In shared memory: atomics only, and all zero, there are none.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How many of them are remembered; where there are more, the first of them counts as any other table again.
pub const MOST: usize = 32;

#[derive(Debug, Default)]
pub struct LastOnes {
    /// The table in the lower half, its database in the upper.
    tables: [AtomicU64; MOST],
    /// Which of these places is the next one's.
    next: AtomicU32,
}

fn word(database: u32, table: u32) -> u64 {
    u64::from(database) << 32 | u64::from(table)
}

impl LastOnes {
    pub fn contains(&self, database: u32, table: u32) -> bool {
        let one = word(database, table);
        self.tables
            .iter()
            .any(|table| table.load(Ordering::Acquire) == one)
    }

    /// Once, however often it happens: it must not take the places of the others.
    pub fn add(&self, database: u32, table: u32) {
        if !self.contains(database, table) {
            let next = self.next.fetch_add(1, Ordering::AcqRel) as usize % MOST;
            self.tables[next].store(word(database, table), Ordering::Release);
        }
    }
}
