//! The advisory lock that keeps two clearings of one table apart, held by the session for a run of many transactions.

use super::session::ADVISORY_LOCK_CLASS;
use core::cell::Cell;
use core::ffi::c_void;
use pgrx::{pg_guard, pg_sys};
use std::sync::Once;

thread_local! {
    /// The table whose lock this session holds. A backend runs one clearing at a time.
    static HELD: Cell<Option<pg_sys::Oid>> = const { Cell::new(None) };
}

/// The lock on one table. Released on drop; where an ERROR unwinds, by the transaction's abort; where the process ends,
/// by its end.
pub struct TableGuard(());

impl TableGuard {
    /// Takes the lock without waiting; `None` where another session has it.
    pub fn try_acquire(table: pg_sys::Oid) -> Option<TableGuard> {
        static REGISTERED: Once = Once::new();
        // SAFETY: the callback stays registered for the life of the process, and so does its code.
        REGISTERED.call_once(|| unsafe {
            pg_sys::RegisterXactCallback(Some(release_on_abort), core::ptr::null_mut());
        });
        let tag = tag(table);
        // SAFETY: the tag is a local; a session's lock, not waited for (storage/lmgr/lock.c).
        let outcome = unsafe { pg_sys::LockAcquire(&tag, pg_sys::ExclusiveLock as _, true, true) };
        if outcome == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
            return None;
        }
        HELD.set(Some(table));
        Some(TableGuard(()))
    }
}

impl Drop for TableGuard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            release();
        }
    }
}

fn release() {
    if let Some(table) = HELD.take() {
        let tag = tag(table);
        // SAFETY: this session holds the lock.
        unsafe {
            pg_sys::LockRelease(&tag, pg_sys::ExclusiveLock as _, true);
        }
    }
}

/// A session's lock outlives its transaction. At this point of an abort (access/transam/xact.c, AbortTransaction) all
/// lightweight locks have been released, so that the lock manager can be called.
#[pg_guard]
unsafe extern "C-unwind" fn release_on_abort(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        release();
    }
}

/// SET_LOCKTAG_ADVISORY of storage/lock.h, as pg_advisory_lock(int4, int4) makes it (utils/adt/lockfuncs.c).
fn tag(table: pg_sys::Oid) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: set when the backend connected.
        locktag_field1: u32::from(unsafe { pg_sys::MyDatabaseId }),
        locktag_field2: ADVISORY_LOCK_CLASS as u32,
        locktag_field3: u32::from(table),
        locktag_field4: 2,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
