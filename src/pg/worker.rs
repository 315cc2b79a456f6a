//! Background workers: how they are registered and started, and their signals, latch and connection.

use super::bindings;
use super::c::int;
use core::ffi::{CStr, c_char, c_int};
use core::ptr::NonNull;
use pgrx::pg_sys;
use std::ffi::CString;
use std::time::Duration;

pub(super) const LIBRARY: &CStr = c"raw_clear_sessions";
const LAUNCHER: &CStr = c"raw_clear_sessions launcher";
const WORKER: &CStr = c"raw_clear_sessions worker";

/// How long the postmaster waits before it starts a launcher again that has ended by an ERROR.
const LAUNCHER_RESTART: c_int = 5;

#[cfg(not(feature = "pg19"))]
type Handler = unsafe extern "C-unwind" fn(c_int);
#[cfg(feature = "pg19")]
type Handler = unsafe extern "C-unwind" fn(c_int, *const pg_sys::pg_signal_info);

/// Sets a signal handler.
///
/// # Safety
/// The handler does only what a signal handler may.
unsafe fn handle(signal: c_int, handler: Handler) {
    // SAFETY: passed on; the function was renamed in PostgreSQL 18, where libpq has one of the same name.
    unsafe {
        #[cfg(not(any(feature = "pg18", feature = "pg19")))]
        pg_sys::pqsignal(signal, Some(handler));
        #[cfg(any(feature = "pg18", feature = "pg19"))]
        pg_sys::pqsignal_be(signal, Some(handler));
    }
}

fn copy(text: &CStr, field: &mut [c_char]) {
    let bytes = text.to_bytes();
    assert!(bytes.len() < field.len(), "fits with its zero byte");
    for (to, from) in field.iter_mut().zip(bytes) {
        *to = c_char::from_ne_bytes([*from]);
    }
}

fn registration(name: &CStr, function: &CStr) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: int(pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION),
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
        ..Default::default()
    };
    copy(name, &mut worker.bgw_name);
    copy(name, &mut worker.bgw_type);
    copy(LIBRARY, &mut worker.bgw_library_name);
    copy(function, &mut worker.bgw_function_name);
    worker
}

/// Registers the launcher, a process that begins with this function of the library. Only while preloading.
pub fn register_launcher(entry: &CStr) {
    let mut worker = registration(LAUNCHER, entry);
    worker.bgw_restart_time = LAUNCHER_RESTART;
    // SAFETY: the registration is copied (postmaster/bgworker.c).
    unsafe { pg_sys::RegisterBackgroundWorker(&mut worker) }
}

/// A database worker that was started: the launcher's way to learn that it has ended.
pub struct Handle(NonNull<pg_sys::BackgroundWorkerHandle>);

/// Starts a database worker, which begins with this function of the library, and whose start and end set this process's
/// latch; `None` where the server has no worker slot free (`max_worker_processes`).
pub fn start_database_worker(entry: &CStr, argument: u64) -> Option<Handle> {
    let mut worker = registration(WORKER, entry);
    worker.bgw_main_arg = pg_sys::Datum::from(argument);
    worker.bgw_notify_pid = super::my_pid();
    let mut handle = core::ptr::null_mut();
    // SAFETY: the handle is palloc'd in the current context: TopMemoryContext, so that it lives until `Handle` is
    // dropped, whatever transactions come and go.
    unsafe {
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let started = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
        pg_sys::MemoryContextSwitchTo(context);
        if started {
            NonNull::new(handle).map(Handle)
        } else {
            None
        }
    }
}

impl Handle {
    pub fn has_ended(&self) -> bool {
        let mut pid = 0;
        // SAFETY: the handle is the one that the server gave, and not freed yet.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0.as_ptr(), &mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: palloc'd by the server for its caller, which is this.
        unsafe { pg_sys::pfree(self.0.as_ptr().cast()) }
    }
}

/// Makes this process the launcher. It is asked to end, and ends where it likes: between two looks at the clock.
pub fn begin_launcher() {
    // SAFETY: handlers first, then the signals that were held back. Without a database's name the connection is one to
    // the shared catalogs only, as that of the logical replication launcher: it keeps no database from being dropped.
    // It also makes the process one that is told of the end of its workers by SIGUSR1.
    unsafe {
        handle(int(pg_sys::SIGHUP), bindings::SignalHandlerForConfigReload);
        handle(
            int(pg_sys::SIGTERM),
            bindings::SignalHandlerForShutdownRequest,
        );
        pg_sys::BackgroundWorkerUnblockSignals();
        pg_sys::BackgroundWorkerInitializeConnection(core::ptr::null(), core::ptr::null(), 0);
    }
}

/// Ends the launcher's process.
#[allow(
    unreachable_code,
    reason = "that proc_exit() does not return is in the bindings of some versions only"
)]
pub fn end_launcher() -> ! {
    // SAFETY: 1, so that the postmaster starts it again; with 0 a pg_terminate_backend() would end all
    // clearing without a word. In a shutdown the postmaster starts nothing.
    unsafe { pg_sys::proc_exit(1) };
    unreachable!("proc_exit does not return")
}

/// Makes this process a database worker. SIGTERM ends it as it ends a backend: at the next check for interrupts, wherever it
/// is, also within a statement or a wait for a lock.
pub fn begin_database_worker() {
    // SAFETY: handlers first, then the signals that were held back.
    unsafe {
        handle(int(pg_sys::SIGHUP), bindings::SignalHandlerForConfigReload);
        handle(int(pg_sys::SIGTERM), bindings::die);
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Connects to a database as the bootstrap superuser. FATAL where that is not possible, ERROR (55P03) where a lock that it takes,
/// as that on the database, has not come in so much time: any role can wait for such a lock, and keep out who comes later.
///
/// A table's owner may name any foreign server. Up to PostgreSQL 15 postgres_fdw connects without a look at signals, so that
/// one that never answers would hold the process for ever: libpq takes a limit from the environment.
pub fn connect(database: pg_sys::Oid, patience: Duration) {
    let milliseconds = CString::new(patience.as_millis().to_string()).expect("digits");
    // SAFETY: once in a process, before anything that needs a database; no other thread reads the environment.
    unsafe {
        if std::env::var_os("PGCONNECT_TIMEOUT").is_none() {
            std::env::set_var("PGCONNECT_TIMEOUT", "10");
        }
        // As autovacuum's workers set it: no setting of the database's counts before the session's own.
        pg_sys::SetConfigOption(
            c"lock_timeout".as_ptr(),
            milliseconds.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0);
        pg_sys::pgstat_report_appname(LIBRARY.as_ptr());
    }
}

/// Whether the launcher has been asked to end.
pub fn shutdown_requested() -> bool {
    // SAFETY: written by the signal handler of this same thread; a volatile read sees it.
    unsafe { core::ptr::read_volatile(&raw const pg_sys::ShutdownRequestPending) != 0 }
}

/// Reads the configuration files again if the server was told to; says whether. Outside of transactions.
pub fn reload_if_asked() -> bool {
    // SAFETY: as the main loops of PostgreSQL's own processes do it (postmaster/interrupt.c).
    unsafe {
        if core::ptr::read_volatile(&raw const pg_sys::ConfigReloadPending) == 0 {
            return false;
        }
        core::ptr::write_volatile(&raw mut pg_sys::ConfigReloadPending, 0);
        pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        true
    }
}

/// Sleeps until the latch is set (by a signal, for one) or the time has passed. ERROR or FATAL on a cancel or a
/// termination; ends the process with the postmaster.
pub fn wait(time: Option<Duration>) {
    let mut events = pg_sys::WL_LATCH_SET | pg_sys::WL_EXIT_ON_PM_DEATH;
    let mut milliseconds = -1;
    if let Some(time) = time {
        events |= pg_sys::WL_TIMEOUT;
        // Rounded up: to wake up early would mean to sleep again.
        milliseconds = c_int::try_from(time.as_micros().div_ceil(1_000))
            .unwrap_or(c_int::MAX)
            .into();
    }
    // SAFETY: the latch is this process's own.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            int(events),
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pgrx::check_for_interrupts!();
}

/// A cancel, a termination or a timeout becomes an ERROR here.
pub fn check_for_interrupts() {
    pgrx::check_for_interrupts!();
}

/// Wakes another process that sleeps on its latch; nothing happens where it is gone.
pub fn wake(pid: i32) {
    // SAFETY: PGPROC entries, and the latches in them, are never freed: at worst another process wakes up for nothing.
    unsafe {
        let process = pg_sys::BackendPidGetProc(pid);
        if !process.is_null() {
            pg_sys::SetLatch(&raw mut (*process).procLatch);
        }
    }
}

/// What pg_stat_activity shows as the query of this process; `None`: nothing, it is idle.
pub fn report_activity(activity: Option<&str>) {
    let (state, text) = match activity {
        Some(text) => (pg_sys::BackendState::STATE_RUNNING, text),
        None => (pg_sys::BackendState::STATE_IDLE, ""),
    };
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: the text is copied.
    unsafe { pg_sys::pgstat_report_activity(state, text.as_ptr()) }
}
