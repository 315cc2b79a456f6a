//! Whether a relation may have been altered since it was looked at.
//!
//! Whoever alters a relation sends an invalidation of its entry in the relation cache before giving back its lock on it
//! (utils/cache/inval.c), and a process that gets a lock reads what has been sent (storage/lmgr/lmgr.c). So what was found out
//! about a relation still holds if no invalidation of it has come by the time that its lock is held again. Not everything
//! comes with one: the name of its schema, a privilege, a membership. Those are looked up each time.

use core::cell::Cell;
use pgrx::{pg_guard, pg_sys};
use std::sync::Once;

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
