//! Memory for what follows the size of a table, or of what a caller passes: where there is none, ERROR 53200.

use super::allocator::{MOST, check_memory};
use crate::refusal::enough;
use core::ffi::{CStr, c_void};
use core::hash::Hash;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use pgrx::{pg_guard, pg_sys};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;

/// ERROR 53200 where there is no memory for so much more. Nobody else is there to take it: a process has its own.
pub fn ensure_memory(bytes: usize) {
    let mut probe: Vec<u8> = Vec::new();
    enough(probe.try_reserve_exact(bytes)).unwrap_or_else(|refusal| refusal.raise());
}

/// Collects what there may be many of. ERROR 53200 where there is no memory for them.
pub fn gather<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut gathered = Vec::new();
    for item in items {
        check_memory();
        enough(gathered.try_reserve(1)).unwrap_or_else(|refusal| refusal.raise());
        gathered.push(item);
    }
    gathered
}

/// The same by key.
pub fn gather_by_key<K: Eq + Hash, V>(items: impl Iterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut gathered = HashMap::new();
    for (key, value) in items {
        check_memory();
        enough(gathered.try_reserve(1)).unwrap_or_else(|refusal| refusal.raise());
        gathered.insert(key, value);
    }
    gathered
}

/// A copy of a text of any length; what is not UTF-8 in it is replaced. ERROR 53200 where there is no memory for it.
pub(super) fn copied(text: &CStr) -> String {
    check_memory();
    if text.count_bytes() > MOST / 4 {
        // Each byte may be replaced by one that takes three, and the buffer grows by doubling.
        ensure_memory(6 * text.count_bytes());
    }
    text.to_string_lossy().into_owned()
}

/// More than the largest block that a memory context takes at once (ALLOCSET_DEFAULT_MAXSIZE, utils/memutils.h).
const FOR_AN_ERROR: Layout = Layout::new::<[u8; 9 * 1024 * 1024]>();

static SET_ASIDE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Memory that is given back when an ERROR says that there is none, so that the ERROR can be copied: pgrx copies it into the
/// caller's memory context, and where that has no room and gets none, it begins again until the server panics.
///
/// Nothing of it is touched, so that it is no memory but where the system promises none that it has not got.
pub struct MemoryAside(Box<pg_sys::ErrorContextCallback>);

impl MemoryAside {
    /// Sets it aside until dropped. ERROR 53200 where there is none.
    pub fn set() -> MemoryAside {
        set_memory_aside();
        // SAFETY: the list of callbacks, of which this one is the first until it is dropped: what is put in front of it in
        // the meantime is taken away by then (utils/elog.h).
        unsafe {
            let mut callback = Box::new(pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(give_back),
                arg: ptr::null_mut(),
            });
            pg_sys::error_context_stack = &mut *callback;
            MemoryAside(callback)
        }
    }
}

impl Drop for MemoryAside {
    fn drop(&mut self) {
        // SAFETY: as above; an ERROR that unwinds has brought the list back to where this one is the first.
        unsafe { pg_sys::error_context_stack = self.0.previous };
        release();
    }
}

/// Sets the memory aside where it is not: it may have been given back. ERROR 53200 where there is none.
pub fn set_memory_aside() {
    check_memory();
    if SET_ASIDE.load(Relaxed).is_null() {
        ensure_memory(FOR_AN_ERROR.size());
        // SAFETY: the size is not 0.
        SET_ASIDE.store(unsafe { System.alloc(FOR_AN_ERROR) }, Relaxed);
    }
}

fn release() {
    let memory = SET_ASIDE.swap(ptr::null_mut(), Relaxed);
    if !memory.is_null() {
        // SAFETY: it came from there, with this layout.
        unsafe { System.dealloc(memory, FOR_AN_ERROR) };
    }
}

/// Called for each message, before an ERROR goes on.
#[pg_guard]
unsafe extern "C-unwind" fn give_back(_argument: *mut c_void) {
    // SAFETY: while a message is made (utils/error/elog.c).
    if unsafe { pg_sys::geterrcode() }
        == pg_sys::errcodes::PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY as i32
    {
        release();
    }
}
