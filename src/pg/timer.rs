//! A timer of this process, beside those that the server has.

use super::bindings;
use core::ffi::c_int;
use pgrx::pg_sys;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Any number from USER_TIMEOUT on, which differs between versions, asks for a timeout of one's own.
const OF_OUR_OWN: u32 = u16::MAX as u32;

/// Calls a function in the handler of SIGALRM (utils/misc/timeout.c), which has set this process's latch before. It may read
/// and write atomics and the server's flags for signal handlers, and nothing else.
pub struct Timer {
    /// The timeout's id; 0, which is the server's own, before it is registered.
    id: AtomicU32,
    handler: bindings::TimeoutHandler,
}

impl Timer {
    pub const fn new(handler: bindings::TimeoutHandler) -> Timer {
        Timer {
            id: AtomicU32::new(0),
            handler,
        }
    }

    /// From now on, calls it that often.
    pub fn start(&self, interval: Duration) {
        let milliseconds = c_int::try_from(interval.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: every process has its timeouts initialized before it does anything for others (postmaster/bgworker.c,
        // utils/init/postinit.c). The handler is a function of this library, which is never unloaded. Only plain data is on
        // the stack.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                if self.id.load(Ordering::Relaxed) == 0 {
                    let id = bindings::RegisterTimeout(OF_OUR_OWN, self.handler);
                    self.id.store(id, Ordering::Relaxed);
                }
                let first = pg_sys::GetCurrentTimestamp() + i64::from(milliseconds) * 1_000;
                let id = self.id.load(Ordering::Relaxed);
                bindings::enable_timeout_every(id, first, milliseconds);
            });
        }
    }

    /// Calls it no longer.
    pub fn stop(&self) {
        let id = self.id.load(Ordering::Relaxed);
        if id != 0 {
            // SAFETY: it is registered; to disable what is not enabled does nothing.
            unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| bindings::disable_timeout(id, false)) }
        }
    }
}
