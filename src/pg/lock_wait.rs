//! Waiting for a lock no longer than `lock_timeout` allows, however many relations are locked.

use super::{LocalSetting, LockMode, Relation};
use crate::refusal::Refusal;
use pgrx::PgTryBuilder;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::PgSqlErrorCode;
use std::ffi::CString;
use std::panic::AssertUnwindSafe;
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
