//! A timer of this process, a background worker, that looks at something while a statement runs, and can have the
//! statement canceled.

use super::timer::Timer;
use pgrx::pg_sys;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static TIMER: Timer = Timer::new(on_alarm);

/// How often a statement is canceled before its process is ended.
const PATIENCE: u32 = 20;

/// How often this one has been.
static UNANSWERED: AtomicU32 = AtomicU32::new(0);

/// Says whether the statement is to be canceled.
static LOOK: OnceLock<fn() -> bool> = OnceLock::new();

/// From now on, calls `look` that often, in a signal handler: it may read and write atomics, and nothing else. Where it
/// returns true, the statement that is running is canceled at its next check for interrupts, as by pg_cancel_backend().
/// A process has one such function.
pub fn look_every(interval: Duration, look: fn() -> bool) {
    let _ = LOOK.set(look);
    TIMER.start(interval);
}

/// Looks no longer.
pub fn stop_looking() {
    TIMER.stop();
}

/// Called by the handler of SIGALRM (utils/misc/timeout.c), which has set this process's latch already.
unsafe extern "C-unwind" fn on_alarm() {
    if LOOK.get().is_some_and(|look| look()) {
        // Code that catches a cancel, and goes on, cannot catch this (tcop/postgres.c, ProcessInterrupts).
        if UNANSWERED.fetch_add(1, Ordering::Relaxed) >= PATIENCE {
            // SAFETY: as below, and as die() does.
            unsafe { core::ptr::write_volatile(&raw mut pg_sys::ProcDiePending, 1) }
        }
        // SAFETY: as StatementCancelHandler does (tcop/postgres.c); the variables are made to be written here.
        unsafe {
            core::ptr::write_volatile(&raw mut pg_sys::QueryCancelPending, 1);
            core::ptr::write_volatile(&raw mut pg_sys::InterruptPending, 1);
        }
    }
}

/// Whether the process is ended because its statement has let none of its cancels end it.
pub fn canceled_in_vain() -> bool {
    UNANSWERED.load(Ordering::Relaxed) > PATIENCE
}

/// A cancel that has been asked for and has found no statement is forgotten.
pub fn forget_cancel() {
    UNANSWERED.store(0, Ordering::Relaxed);
    // SAFETY: a variable of this process; a check for interrupts that finds nothing pending does nothing.
    unsafe { core::ptr::write_volatile(&raw mut pg_sys::QueryCancelPending, 0) }
}
