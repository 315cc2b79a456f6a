//! What Rust gets when the operating system gives no more memory.
//!
//! Where an allocation fails, Rust's collections end the process, and the postmaster then ends every session. An ERROR is
//! wanted. As PostgreSQL keeps a little memory aside with which it can still raise one (ErrorContext,
//! utils/error/elog.c), this allocator does: small requests that the system refuses are served from there. What goes on is
//! ended at the next [`check_memory`], or by the next palloc() that fails. Nothing that follows the size of a table, or of
//! what a caller passes, may be asked for without a look before: [`super::memory`].

use crate::refusal::Refusal;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use pgrx::prelude::PgSqlErrorCode;
use std::alloc::{GlobalAlloc, Layout, System};

/// So much is kept aside. It is no memory before it is touched.
const ASIDE: usize = 1024 * 1024;

/// The largest request that is served from there: above the constant sizes here, of which the index pass has the largest.
pub(super) const MOST: usize = ASIDE / 8;

#[repr(align(4096))]
struct Aside(UnsafeCell<[u8; ASIDE]>);

// SAFETY: a part of it is handed out once, until all parts have come back; the counters below see to that.
unsafe impl Sync for Aside {}

static MEMORY: Aside = Aside(UnsafeCell::new([0; ASIDE]));

/// Where the next part begins; one after the other, until none is in use.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// How many parts are in use.
static PARTS: AtomicUsize = AtomicUsize::new(0);

/// Something was served from there since the last look.
static LOW: AtomicBool = AtomicBool::new(false);

fn start() -> *mut u8 {
    MEMORY.0.get().cast()
}

fn is_aside(memory: *mut u8) -> bool {
    memory.addr().wrapping_sub(start().addr()) < ASIDE
}

/// A part that was not handed out, or NULL.
fn take(layout: Layout) -> *mut u8 {
    let from = NEXT.load(Relaxed).next_multiple_of(layout.align());
    let until = from.saturating_add(layout.size());
    if layout.size() > MOST || layout.align() > 4096 || until > ASIDE {
        return ptr::null_mut();
    }
    // A backend has one thread; a second one loses, and gets nothing.
    let before = NEXT.load(Relaxed);
    if before > from
        || NEXT
            .compare_exchange(before, until, Relaxed, Relaxed)
            .is_err()
    {
        return ptr::null_mut();
    }
    PARTS.fetch_add(1, Relaxed);
    LOW.store(true, Relaxed);
    start().wrapping_add(from)
}

fn give_back() {
    if PARTS.fetch_sub(1, Relaxed) == 1 {
        NEXT.store(0, Relaxed);
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: the system's allocator, and where that has nothing, a part of a static array that nobody else has, aligned and
// large enough, until it is given back. Nothing here unwinds or allocates.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() {
            return take(layout);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_aside(memory) {
            return give_back();
        }
        // SAFETY: it came from there.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_aside(memory) {
            // SAFETY: it came from there.
            let moved = unsafe { System.realloc(memory, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the size is not 0 and, rounded up, no more than isize::MAX, as the caller has to see to. Both places are
        // there for the smaller size, and are two.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            moved
        }
    }
}

/// ERROR 53200 where what is kept aside had to be touched, and the system still has no more: before anything that goes on.
pub fn check_memory() {
    if !LOW.swap(false, Relaxed) {
        return;
    }
    let layout = Layout::new::<[u8; MOST]>();
    // SAFETY: allocated, and given back.
    let recovered = unsafe {
        let probe = System.alloc(layout);
        if !probe.is_null() {
            System.dealloc(probe, layout);
        }
        !probe.is_null()
    };
    if !recovered {
        Refusal::new(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory").raise();
    }
}
