//! The lock that keeps two clearings of one table apart: a transaction's, or a session's for a run of many transactions.
//!
//! It is one that no SQL statement takes. An advisory lock would be anybody's, so that any role could keep a table from
//! being cleared. PostgreSQL locks objects that are not relations by their class and oid, and relations in another way;
//! a relation's oid beside its class, with a number that is no column's, is ours alone.

use super::c::{byte, int};
use core::cell::Cell;
use core::ffi::c_void;
use pgrx::{pg_guard, pg_sys};
use std::sync::Once;

/// Where the number of a column would be; no table has so many. Spells "rc".
const SUB_ID: u16 = 0x7263;

thread_local! {
    /// The table whose lock this session holds, and which of its guards has it. A backend runs one clearing at a time.
    static HELD: Cell<Option<(pg_sys::Oid, u64)>> = const { Cell::new(None) };
    static GUARDS: Cell<u64> = const { Cell::new(0) };
}

/// A session's lock on one table. Released on drop; where an ERROR unwinds, by the transaction's abort, or by
/// [`forget_guard`] where it came between two transactions; where the process ends, by [`release_at_exit`].
///
/// One whose lock an abort has released is no longer the one that holds it, and leaves alone what another one has taken since.
pub struct TableGuard {
    number: u64,
}

impl TableGuard {
    /// Takes the lock without waiting; `None` where another session has it, or this one for another run.
    pub fn try_acquire(table: pg_sys::Oid) -> Option<TableGuard> {
        static REGISTERED: Once = Once::new();
        // SAFETY: the callback stays registered for the life of the process, and so does its code.
        REGISTERED.call_once(|| unsafe {
            pg_sys::RegisterXactCallback(Some(forget_on_abort), core::ptr::null_mut());
            super::at_exit(release_at_exit);
        });
        if HELD.get().is_some() || !try_lock(table, true) {
            return None;
        }
        let number = GUARDS.get() + 1;
        GUARDS.set(number);
        HELD.set(Some((table, number)));
        Some(TableGuard { number })
    }
}

impl Drop for TableGuard {
    fn drop(&mut self) {
        let is_held = HELD.get().is_some_and(|(_, number)| number == self.number);
        if is_held && !std::thread::panicking() {
            forget_guard();
        }
    }
}

/// Takes the lock until the transaction ends. Does not wait: false where another session has it.
pub fn try_guard_in_transaction(table: pg_sys::Oid) -> bool {
    try_lock(table, false)
}

/// Gives back what [`try_guard_in_transaction`] has taken, earlier than the transaction's end: once, as often as it was taken.
pub fn release_guard_in_transaction(table: pg_sys::Oid) {
    // SAFETY: this transaction holds the lock; a count of it that an earlier call has taken stays (storage/lmgr/lock.c).
    unsafe { pg_sys::LockRelease(&tag(table), int(pg_sys::ExclusiveLock), false) };
}

fn try_lock(table: pg_sys::Oid, for_session: bool) -> bool {
    let tag = tag(table);
    // SAFETY: the tag is a local; the lock is not waited for (storage/lmgr/lock.c).
    let outcome =
        unsafe { pg_sys::LockAcquire(&tag, int(pg_sys::ExclusiveLock), for_session, true) };
    outcome != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// Gives the session's lock back, if it has one.
pub fn forget_guard() {
    if let Some((table, _)) = HELD.take() {
        let tag = tag(table);
        // SAFETY: this session holds the lock.
        unsafe {
            pg_sys::LockRelease(&tag, int(pg_sys::ExclusiveLock), true);
        }
    }
}

/// A process that ends aborts its transaction, and so releases the lock; between two transactions nobody else does
/// (utils/init/postinit.c, ShutdownPostgres).
fn release_at_exit() {
    // SAFETY: reads this process's state. Outside of a transaction no lightweight lock is held.
    if !unsafe { pg_sys::IsTransactionOrTransactionBlock() } {
        forget_guard();
    }
}

/// An aborting transaction releases the session's locks of this kind too (storage/lmgr/proc.c, ProcReleaseLocks), a little
/// later: what is left to do is to know it.
#[pg_guard]
unsafe extern "C-unwind" fn forget_on_abort(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        HELD.set(None);
    }
}

/// SET_LOCKTAG_OBJECT of storage/lock.h.
fn tag(table: pg_sys::Oid) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: set when the backend connected.
        locktag_field1: u32::from(unsafe { pg_sys::MyDatabaseId }),
        locktag_field2: u32::from(pg_sys::RelationRelationId),
        locktag_field3: u32::from(table),
        locktag_field4: SUB_ID,
        locktag_type: byte(pg_sys::LockTagType::LOCKTAG_OBJECT),
        locktag_lockmethodid: byte(pg_sys::DEFAULT_LOCKMETHOD),
    }
}
