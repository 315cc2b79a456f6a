//! The shared memory: asked for while the server starts, found by every process that it forks.

use crate::shared::Shared;
use core::ffi::CStr;
use core::ptr;
use pgrx::{pg_guard, pg_sys};
use std::sync::atomic::{AtomicPtr, Ordering};

const NAME: &CStr = c"raw_clear_sessions";

/// NULL where the library was not preloaded. Set before the postmaster forks, so that every process inherits it.
static SHARED: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());

static mut PREVIOUS_REQUEST: Option<unsafe extern "C-unwind" fn()> = None;
static mut PREVIOUS_STARTUP: Option<unsafe extern "C-unwind" fn()> = None;

/// What the processes share; `None` where the library was not preloaded.
pub fn shared() -> Option<&'static Shared> {
    // SAFETY: the segment is mapped as long as the process lives, and `Shared` is made of atomics, so that references to
    // it may be shared.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }
}

/// Whether the library is being loaded by shared_preload_libraries, for a server and not for pg_upgrade.
pub fn is_preloading() -> bool {
    // SAFETY: set by the postmaster before it loads libraries (utils/init/miscinit.c, globals.c).
    unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade }
}

/// Asks for the shared memory. Only while preloading.
pub fn request_shared_memory() {
    // SAFETY: the postmaster has one thread and runs _PG_init once. The hooks that were there before are called first.
    unsafe {
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
        pg_sys::RequestAddinShmemSpace(size_of::<Shared>());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: as the postmaster calls it: at start, and again after a crash of one of its children, with memory that is
    // all new. It is alone then, so that no lock is needed, and zero bytes are a value of `Shared`. ShmemInitStruct
    // aligns to a cache line.
    unsafe {
        if let Some(previous) = PREVIOUS_STARTUP {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous());
        }
        let mut found = false;
        let address = pg_sys::ShmemInitStruct(NAME.as_ptr(), size_of::<Shared>(), &mut found)
            .cast::<Shared>();
        if !found {
            ptr::write_bytes(address, 0, 1);
        }
        SHARED.store(address, Ordering::Release);
    }
}
