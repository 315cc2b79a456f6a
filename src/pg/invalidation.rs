//! Whether a relation may have been altered since it was looked at.
//!
//! Whoever alters a relation sends an invalidation of its entry in the relation cache before giving back its lock on it
//! (utils/cache/inval.c), and a process that gets a lock reads what has been sent (storage/lmgr/lmgr.c). So what was found out
//! about a relation still holds if no invalidation of it has come by the time that its lock is held again. Not everything
//! comes with one: the name of its schema, a privilege, a membership. Those are looked up each time.

use core::cell::Cell;
use pgrx::{pg_guard, pg_sys};
use std::sync::Once;

/// How many bytes the catalog caches of a worker may take until it forgets what they hold: two thousand relations, about.
const MOST_CACHED: usize = 8 * 1024 * 1024;

/// Forgets what this process has in its catalog caches, where that is much: they only grow, and a worker goes from table to
/// table. Outside of transactions.
pub fn limit_caches() {
    // SAFETY: the context lives as long as the process; its size is read. In a transaction that has nothing open, the caches
    // can be emptied as they are where too many invalidations have been sent to be read (utils/cache/inval.c).
    unsafe {
        if pg_sys::MemoryContextMemAllocated(pg_sys::CacheMemoryContext, true) > MOST_CACHED {
            super::begin();
            pg_sys::InvalidateSystemCaches();
            super::commit();
        }
    }
}

/// Relations share counters, by their oids: another one's invalidation may pass for one's own, never the reverse.
const COUNTERS: usize = 4096;

thread_local! {
    /// The invalidations that this process has read.
    static OF_ONE: [Cell<u64>; COUNTERS] = const { [const { Cell::new(0) }; COUNTERS] };
    /// Those of the whole cache: after a change that concerns all relations, or when too many to be read had been sent.
    static OF_ALL: Cell<u64> = const { Cell::new(0) };
}

/// How many invalidations of a relation this process has read; to be compared with another of the same relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    one: u64,
    all: u64,
}

impl Changes {
    /// Until now. Ask when the relation is locked, and before looking at it.
    pub fn of(relation: pg_sys::Oid) -> Changes {
        static REGISTERED: Once = Once::new();
        // SAFETY: the callback stays registered for the life of the process (utils/cache/inval.c); there is room for ten.
        REGISTERED.call_once(|| unsafe {
            pg_sys::CacheRegisterRelcacheCallback(Some(count), pg_sys::Datum::from(0usize));
        });
        Changes {
            one: OF_ONE.with(|counters| counters[index(relation)].get()),
            all: OF_ALL.get(),
        }
    }
}

fn index(relation: pg_sys::Oid) -> usize {
    u32::from(relation) as usize % COUNTERS
}

/// Allocates nothing, and so cannot fail.
#[pg_guard]
unsafe extern "C-unwind" fn count(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    let add = |counter: &Cell<u64>| counter.set(counter.get().wrapping_add(1));
    if relation == pg_sys::InvalidOid {
        OF_ALL.with(add);
    } else {
        OF_ONE.with(|counters| add(&counters[index(relation)]));
    }
}
