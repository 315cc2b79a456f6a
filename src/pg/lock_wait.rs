//! Waiting for a lock no longer than `lock_timeout` allows, however many relations are locked, and what was waited for.

use super::timer::Timer;
use super::{LocalSetting, LockMode, Relation, lock_timeout};
use crate::refusal::Refusal;
use pgrx::PgTryBuilder;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::PgSqlErrorCode;
use std::ffi::CString;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The time that the locks of one call may take in all: who waits for the second holds the first, and others wait
/// for that.
pub struct LockWait {
    until: Option<Instant>,
}

impl LockWait {
    /// From now on, as `lock_timeout` says.
    pub fn begin() -> LockWait {
        // SAFETY: a setting of this process, in milliseconds; 0: no limit (storage/proc.h).
        let milliseconds = unsafe { pg_sys::LockTimeout };
        let until = (milliseconds > 0)
            .then(|| Instant::now() + Duration::from_millis(milliseconds.unsigned_abs().into()));
        LockWait { until }
    }

    /// Does something that is not counted.
    pub fn paused<T>(&mut self, action: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = action();
        self.until = self.until.map(|until| until + began.elapsed());
        result
    }

    /// Locks and opens a relation in what is left of the time; `None` where there is none of that oid. Refuses (55P03)
    /// when the time is up: the transaction has to be aborted then.
    pub fn open(&self, oid: pg_sys::Oid, lock: LockMode) -> Result<Option<Relation>, Refusal> {
        PgTryBuilder::new(AssertUnwindSafe(|| {
            let _setting = self.until.map(|until| {
                let left = until.saturating_duration_since(Instant::now()).as_millis();
                let left = CString::new(left.max(1).to_string()).expect("digits");
                LocalSetting::set(&[(c"lock_timeout", &left)])
            });
            Ok(Relation::open(oid, lock))
        }))
        .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |error| {
            let message = match &error {
                CaughtError::PostgresError(report) => report.message().to_owned(),
                _ => "canceling statement due to lock timeout".to_owned(),
            };
            Err(
                Refusal::new(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, message).hint(
                    "Others use the table. Try again, raise lock_timeout, or delete in batches, which wait for nobody: \
                     CALL raw_clear_sessions_in_batches().",
                ),
            )
        })
        .execute()
    }
}

/// How many looks a wait gets that ends with `lock_timeout`, at least.
const LOOKS: u32 = 4;

static TIMER: Timer = Timer::new(on_tick);

/// Whether the last wait that was seen was for another transaction that has a row locked.
static IS_OF_A_ROW: AtomicBool = AtomicBool::new(false);

/// Notes what the statements wait for, as long as it lives: the ERROR of a lock timeout does not say whether a whole table is
/// locked, or a row that a DELETE takes along.
pub struct LockWaits(());

impl LockWaits {
    pub fn note() -> LockWaits {
        IS_OF_A_ROW.store(false, Ordering::Relaxed);
        if let Some(timeout) = lock_timeout() {
            TIMER.start((timeout / LOOKS).max(Duration::from_millis(1)));
        }
        LockWaits(())
    }
}

impl Drop for LockWaits {
    fn drop(&mut self) {
        TIMER.stop();
        IS_OF_A_ROW.store(false, Ordering::Relaxed);
    }
}

/// Whether a lock timeout, in the middle of it, is a row's.
pub fn is_of_a_locked_row(sqlstate: PgSqlErrorCode) -> bool {
    sqlstate == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE && IS_OF_A_ROW.load(Ordering::Relaxed)
}

unsafe extern "C-unwind" fn on_tick() {
    // SAFETY: this process's own entry. The lock is in shared memory, which stays mapped: where it has just been had, what is
    // read is another one's at worst, and no wait has ended with an ERROR.
    unsafe {
        let lock = pg_sys::MyProc
            .as_ref()
            .and_then(|process| core::ptr::read_volatile(&raw const process.waitLock).as_ref());
        if let Some(lock) = lock {
            let kind = u32::from(lock.tag.locktag_type);
            let is_of_a_row = kind == pg_sys::LockTagType::LOCKTAG_TRANSACTION
                || kind == pg_sys::LockTagType::LOCKTAG_TUPLE;
            IS_OF_A_ROW.store(is_of_a_row, Ordering::Relaxed);
        }
    }
}

/// Has locks be waited for a tenth as long, as long as it lives.
pub fn wait_less() -> Option<LocalSetting> {
    let timeout = lock_timeout()? / 10;
    let milliseconds = CString::new(timeout.as_millis().max(10).to_string()).expect("digits");
    Some(LocalSetting::set(&[(c"lock_timeout", &milliseconds)]))
}
