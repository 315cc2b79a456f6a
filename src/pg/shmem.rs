//! The shared memory: asked for while the server starts, found by every process that it forks.

use core::ffi::CStr;
use core::ptr;
use pgrx::{pg_guard, pg_sys};
use std::sync::atomic::{AtomicPtr, Ordering};

/// What may be in shared memory.
///
/// # Safety
/// It is made of atomics only, and all bytes zero, as the postmaster makes it, is a value.
pub unsafe trait Shareable {}

/// A value that all of the server's processes share, under a name.
pub struct SharedMemory<T> {
    name: &'static CStr,
    /// NULL where the library was not preloaded. Set before the postmaster forks, so that every process inherits it.
    address: AtomicPtr<T>,
}

impl<T: Shareable> SharedMemory<T> {
    pub const fn new(name: &'static CStr) -> Self {
        let address = AtomicPtr::new(ptr::null_mut());
        SharedMemory { name, address }
    }

    /// The value; `None` where the library was not preloaded.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: the memory is mapped as long as the process lives, and made of atomics, so that references to it may be
        // shared.
        unsafe { self.address.load(Ordering::Acquire).as_ref() }
    }
}

/// Shared memory of any type, for the postmaster to make.
pub trait Segment: Sync {
    fn size(&self) -> usize;

    /// Makes the memory, all zero, or finds what has been made.
    ///
    /// # Safety
    /// Only in the postmaster's shmem_startup_hook.
    unsafe fn make(&self);
}

impl<T: Shareable> Segment for SharedMemory<T> {
    fn size(&self) -> usize {
        size_of::<T>()
    }

    unsafe fn make(&self) {
        let mut found = false;
        // SAFETY: the postmaster is alone in its hook, so that no lock is needed. ShmemInitStruct aligns to a cache line, and
        // zero bytes are a value.
        unsafe {
            let address = pg_sys::ShmemInitStruct(self.name.as_ptr(), size_of::<T>(), &mut found);
            let address = address.cast::<T>();
            if !found {
                ptr::write_bytes(address, 0, 1);
            }
            self.address.store(address, Ordering::Release);
        }
    }
}

type Segments = &'static [&'static dyn Segment];

static mut SEGMENTS: Segments = &[];
static mut PREVIOUS_REQUEST: Option<unsafe extern "C-unwind" fn()> = None;
static mut PREVIOUS_STARTUP: Option<unsafe extern "C-unwind" fn()> = None;

/// Whether the library is being loaded by shared_preload_libraries, for a server and not for pg_upgrade.
pub fn is_preloading() -> bool {
    // SAFETY: set by the postmaster before it loads libraries (utils/init/miscinit.c, globals.c).
    unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade }
}

/// Asks for shared memory. Only while preloading.
pub fn request_shared_memory(segments: Segments) {
    // SAFETY: the postmaster has one thread and runs _PG_init once. The hooks that were there before are called first.
    unsafe {
        SEGMENTS = segments;
        PREVIOUS_REQUEST = pg_sys::shmem_request_hook;
        pg_sys::shmem_request_hook = Some(request);
        PREVIOUS_STARTUP = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(startup);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: as the postmaster calls it, once, with what `request_shared_memory` found.
    unsafe {
        if let Some(previous) = PREVIOUS_REQUEST {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous());
        }
        for segment in SEGMENTS {
            pg_sys::RequestAddinShmemSpace(segment.size());
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: as the postmaster calls it: at start, and again after a crash of one of its children, with memory that is
    // all new.
    unsafe {
        if let Some(previous) = PREVIOUS_STARTUP {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous());
        }
        for segment in SEGMENTS {
            segment.make();
        }
    }
}
