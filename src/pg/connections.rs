//! Connections to other servers: how long a statement may wait for those that it opens, and that a session ends whose client
//! has gone.
//!
//! Citus opens its connections by libpq and waits for them without a limit of time. A cancel would end that wait by an ERROR,
//! and the transaction's abort would then have libpq ask the other server to cancel what it is at, and wait for the answer:
//! where that server has stopped, for ever, and nothing ends that. So cancels are held while it waits, and where one comes, or
//! the time is over, the connections that the statement has opened are shut down at the socket: to libpq the other server has
//! closed them, and the statement goes on with what it knows then.

use super::timer::Timer;
use core::ptr::{read_volatile, write_volatile};
use pgrx::pg_sys;
use std::fs::{File, read_dir};
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// How often it is looked whether a cancel has come.
const TICK: Duration = Duration::from_millis(50);

/// How many looks after the connections were shut down something else is waited for: cancels are held no longer then.
const PATIENCE: u32 = 100;

static TIMER: Timer = Timer::new(on_tick);

/// How many looks are left until the time is over.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// How many there were since then.
static OVERDUE: AtomicU32 = AtomicU32::new(0);

/// Whether cancels are held.
static HOLDS: AtomicBool = AtomicBool::new(false);

/// The sockets that were there before, a bit each, and the highest descriptor that a new one may have.
static OLD: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];
static HIGHEST: AtomicI32 = AtomicI32::new(0);

/// Does something that opens so many connections, and waits for answers on them for `limit` at most, and only until this
/// process is to be canceled or ended. Returns whether connections were shut down for that. A cancel that has come meanwhile
/// becomes an ERROR at the next check for interrupts.
pub fn limit_waits<T>(
    limit: Duration,
    connections: usize,
    action: impl FnOnce() -> T,
) -> (T, bool) {
    note_old_sockets(connections);
    let looks = limit.as_millis().div_ceil(TICK.as_millis());
    LEFT.store(u32::try_from(looks).unwrap_or(u32::MAX), Ordering::Relaxed);
    OVERDUE.store(0, Ordering::Relaxed);
    let waiting = Waiting::begin();
    let value = action();
    drop(waiting);
    (value, OVERDUE.load(Ordering::Relaxed) > 0)
}

/// Holds cancels as long as it lives.
struct Waiting;

impl Waiting {
    fn begin() -> Waiting {
        // SAFETY: as HOLD_INTERRUPTS() of miscadmin.h.
        unsafe { pg_sys::InterruptHoldoffCount += 1 }
        HOLDS.store(true, Ordering::Relaxed);
        TIMER.start(TICK);
        Waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        TIMER.stop();
        // SAFETY: as RESUME_INTERRUPTS(). An ERROR has set it to 0.
        unsafe {
            if HOLDS.swap(false, Ordering::Relaxed) && pg_sys::InterruptHoldoffCount > 0 {
                pg_sys::InterruptHoldoffCount -= 1;
            }
        }
    }
}

/// Remembers which sockets are not the statement's.
fn note_old_sockets(connections: usize) {
    for word in &OLD {
        word.store(0, Ordering::Relaxed);
    }
    let entries = read_dir("/dev/fd").into_iter().flatten().flatten();
    let descriptors = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut highest = 0;
    for descriptor in descriptors {
        highest = highest.max(descriptor);
        if is_socket(descriptor)
            && let Some((word, bit)) = place(descriptor)
        {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
    // New ones get the lowest numbers that are free. Besides its connections a statement opens few files.
    let more = i32::try_from(connections * 2 + 64).unwrap_or(i32::MAX);
    HIGHEST.store(highest.saturating_add(more), Ordering::Relaxed);
}

fn is_socket(descriptor: RawFd) -> bool {
    // SAFETY: it is only looked at, and not closed: where it is none, that is an error.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
    file.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn place(descriptor: RawFd) -> Option<(&'static AtomicU64, u64)> {
    let number = usize::try_from(descriptor).ok()?;
    Some((OLD.get(number / 64)?, 1 << (number % 64)))
}

/// Whether this process's statement, or the process, is to end.
pub fn is_canceled() -> bool {
    // SAFETY: flags of this process, which signal handlers write.
    unsafe {
        read_volatile(&raw const pg_sys::InterruptPending) != 0
            && (read_volatile(&raw const pg_sys::QueryCancelPending) != 0
                || read_volatile(&raw const pg_sys::ProcDiePending) != 0)
    }
}

unsafe extern "C-unwind" fn on_tick() {
    let left = LEFT.load(Ordering::Relaxed);
    LEFT.store(left.saturating_sub(1), Ordering::Relaxed);
    if left > 0 && !is_canceled() {
        return;
    }
    // Each time: where the server has several addresses, the next one is tried.
    shut_new_sockets();
    if OVERDUE.fetch_add(1, Ordering::Relaxed) == PATIENCE && HOLDS.swap(false, Ordering::Relaxed) {
        // SAFETY: as RESUME_INTERRUPTS(). What waits so long is in a call to the kernel.
        unsafe {
            let held = read_volatile(&raw const pg_sys::InterruptHoldoffCount);
            write_volatile(
                &raw mut pg_sys::InterruptHoldoffCount,
                held.saturating_sub(1),
            );
        }
    }
}

/// In a signal handler: makes system calls only.
fn shut_new_sockets() {
    for descriptor in 0..=HIGHEST.load(Ordering::Relaxed) {
        let is_old = |(word, bit): (&AtomicU64, u64)| word.load(Ordering::Relaxed) & bit != 0;
        if place(descriptor).is_some_and(|place| !is_old(place)) {
            // SAFETY: not closed here. What is no socket that is connected refuses it.
            let socket = ManuallyDrop::new(unsafe { UnixStream::from_raw_fd(descriptor) });
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

static CLIENT_CHECK: Timer = Timer::new(on_client_check);

/// Has this session end when its client has gone, also in the middle of a statement, where the system can tell: as the
/// setting client_connection_check_interval does, which counts from the next statement on. Nothing in a background worker, which
/// has no client.
pub fn end_without_client(interval: Duration) -> ClientCheck {
    // SAFETY: a look at a variable (miscadmin.h).
    if unsafe { !pg_sys::MyProcPort.is_null() } {
        CLIENT_CHECK.start(interval);
    }
    ClientCheck
}

/// Whether the setting client_connection_check_interval leaves it to the next message to find out that the client has gone.
pub fn client_is_not_looked_after() -> bool {
    // SAFETY: a setting (tcop/tcopprot.h).
    unsafe { pg_sys::client_connection_check_interval == 0 }
}

/// Looks after the client as long as it lives.
pub struct ClientCheck;

impl Drop for ClientCheck {
    fn drop(&mut self) {
        CLIENT_CHECK.stop();
    }
}

unsafe extern "C-unwind" fn on_client_check() {
    // SAFETY: as ClientCheckTimeoutHandler does (utils/init/postinit.c); the flags are made to be written here.
    unsafe {
        write_volatile(&raw mut pg_sys::CheckClientConnectionPending, 1);
        write_volatile(&raw mut pg_sys::InterruptPending, 1);
    }
}
