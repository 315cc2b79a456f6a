//! When the turn of a table was that ended its worker's process with it: what has not ended leaves no other trace, and would
//! always be the first again. In shared memory: atomics only, and all zero, there are none.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// How many of them are remembered; where there are more, the first of them is forgotten.
pub const MOST: usize = 32;

#[derive(Debug, Default)]
pub struct LostTurns {
    turns: [Turn; MOST],
    /// Which of these places is the next one's.
    next: AtomicU32,
}

#[derive(Debug, Default)]
struct Turn {
    /// The table in the lower half, its database in the upper; 0 while the instant is not its.
    table: AtomicU64,
    instant: AtomicI64,
}

fn word(database: u32, table: u32) -> u64 {
    u64::from(database) << 32 | u64::from(table)
}

impl LostTurns {
    fn place(&self, one: u64) -> Option<&Turn> {
        let is_its = |turn: &&Turn| turn.table.load(Ordering::Acquire) == one;
        self.turns.iter().find(is_its)
    }

    /// When the last of a table was; `None`: there was none.
    pub fn last(&self, database: u32, table: u32) -> Option<i64> {
        let one = word(database, table);
        let place = self.place(one)?;
        let instant = place.instant.load(Ordering::Acquire);
        // Unless the place has become another table's in the meantime.
        (place.table.load(Ordering::Acquire) == one).then_some(instant)
    }

    /// One place for each table, however often it happens: it must not take those of the others.
    pub fn add(&self, database: u32, table: u32, instant: i64) {
        let one = word(database, table);
        let place = self.place(one).unwrap_or_else(|| {
            let next = self.next.fetch_add(1, Ordering::AcqRel) as usize % MOST;
            &self.turns[next]
        });
        place.table.store(0, Ordering::Release);
        place.instant.store(instant, Ordering::Release);
        place.table.store(one, Ordering::Release);
    }
}
