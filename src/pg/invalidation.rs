//! Whether a table has been altered since somebody looked.

use core::cell::Cell;
use pgrx::{pg_guard, pg_sys};
use std::sync::Once;

thread_local! {
    /// How many changes of any relation this process has heard of.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// A count that is another after a relation has been altered, analyzed or vacuumed: news arrive with the lock on a
/// relation, so ask when it is locked.
pub fn relation_changes() -> u64 {
    static REGISTERED: Once = Once::new();
    // SAFETY: the callback stays registered for the life of the process (utils/cache/inval.c); there is room for ten.
    REGISTERED.call_once(|| unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(count_change), pg_sys::Datum::from(0usize));
    });
    CHANGES.get()
}

#[pg_guard]
unsafe extern "C-unwind" fn count_change(_argument: pg_sys::Datum, _relation: pg_sys::Oid) {
    CHANGES.set(CHANGES.get().wrapping_add(1));
}
