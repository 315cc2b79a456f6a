//! Which worker is at which table: no two of them are at the same one.

use super::{ASSIGNED, Board, MINE, RUNNING, Seat};
use pgrx::pg_sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// This worker is at a table, until this is dropped.
pub struct Claim(&'static Board, &'static Seat);

impl Drop for Claim {
    fn drop(&mut self) {
        // Counted first: who has the table next must see it.
        self.0.released.fetch_add(1, Ordering::AcqRel);
        RELEASED.set(RELEASED.get() + 1);
        self.1.claim.store(0, Ordering::Release);
    }
}

thread_local! {
    /// How many claims this worker has released.
    static RELEASED: Cell<u64> = const { Cell::new(0) };
}

/// Nobody else sets a claim, until this is dropped. Between the two there are some reads of shared memory and one write: no
/// error, no interrupt, nothing to wait for. A process that is killed in between takes the server down, and the board is new.
struct Alone<'a>(&'a AtomicBool);

impl Alone<'_> {
    fn get(flag: &AtomicBool) -> Alone<'_> {
        while flag.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        Alone(flag)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A worker has the seat, or is about to.
fn is_taken(state: u32) -> bool {
    state == RUNNING || state == ASSIGNED
}

impl Board {
    /// This worker is at a table from now on; `None` where another one is.
    pub fn claim(&'static self, table: pg_sys::Oid) -> Option<Claim> {
        let seat = MINE.get()?;
        let _alone = Alone::get(&self.claiming);
        let is_there = |other: &Seat| other.claim.load(Ordering::Acquire) == u32::from(table);
        if self.others(|state| state == RUNNING).any(is_there) {
            return None;
        }
        seat.claim.store(table.into(), Ordering::Release);
        Some(Claim(self, seat))
    }

    /// How many claims other workers, of any database, have released: while it stays the same, what was known of a table that
    /// no other worker was at is still true of it.
    pub fn released_elsewhere(&self) -> u64 {
        self.released.load(Ordering::Acquire) - RELEASED.get()
    }

    /// The tables of this worker's database that others are at.
    pub fn claimed_elsewhere(&self) -> Vec<pg_sys::Oid> {
        self.others(|state| state == RUNNING)
            .map(|seat| seat.claim.load(Ordering::Acquire))
            .filter(|table| *table != 0)
            .map(pg_sys::Oid::from)
            .collect()
    }

    /// The processes of the other workers in this worker's database.
    pub fn other_workers(&self) -> Vec<i32> {
        self.others(|state| state == RUNNING)
            .map(|seat| seat.place.pid())
            .collect()
    }

    /// Whether another worker is in this worker's database, or about to come.
    pub fn has_company(&self) -> bool {
        self.others(is_taken).next().is_some()
    }

    /// Whether a worker that came when there was none is in this worker's database, or about to come.
    pub fn has_first_worker(&self) -> bool {
        let is_first = |seat: &Seat| !seat.is_helper.load(Ordering::Acquire);
        self.others(is_taken).any(is_first)
    }

    fn others(&self, is_there: impl Fn(u32) -> bool) -> impl Iterator<Item = &Seat> {
        let mine = MINE.get();
        let database = mine.map(|seat| seat.database.load(Ordering::Acquire));
        self.seats.iter().filter(move |seat| {
            mine.is_some_and(|mine| !std::ptr::eq(mine, *seat))
                && is_there(seat.state.load(Ordering::Acquire))
                && Some(seat.database.load(Ordering::Acquire)) == database
        })
    }
}
