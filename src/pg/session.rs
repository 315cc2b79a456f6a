//! What the session and its transaction allow.

use super::c::int;
use core::ffi::CStr;
use pgrx::{PgXactCallbackEvent, pg_sys, register_xact_callback};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

/// ERROR 25000 in a parallel operation.
pub fn prevent_in_parallel_mode(command: &CStr) {
    // SAFETY: raises an ERROR or does nothing; the name is only read.
    unsafe { pg_sys::PreventCommandIfParallelMode(command.as_ptr()) }
}

/// ERROR 25006 on a standby.
pub fn prevent_during_recovery(command: &CStr) {
    // SAFETY: as above.
    unsafe { pg_sys::PreventCommandDuringRecovery(command.as_ptr()) }
}

/// ERROR 25006 in a read-only transaction.
pub fn prevent_in_read_only(command: &CStr) {
    // SAFETY: as above.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) }
}

/// Whether this process is a worker of logical replication, which applies changes or copies a table.
pub fn is_logical_worker() -> bool {
    // SAFETY: a look at a variable (replication/logical/worker.c).
    unsafe { pg_sys::IsLogicalWorker() }
}

/// Whether the transaction is read-only.
pub fn is_read_only() -> bool {
    // SAFETY: a look at a variable (access/xact.h).
    unsafe { pg_sys::XactReadOnly }
}

/// Does something when this transaction has been committed; nothing if it is not. It must not fail.
pub fn on_commit(action: impl FnOnce() + UnwindSafe + RefUnwindSafe + 'static) {
    register_xact_callback(PgXactCallbackEvent::Commit, action);
}

/// Does something when this transaction has been prepared, which any session commits or rolls back later. It must not fail.
pub fn on_prepare(action: impl FnOnce() + UnwindSafe + RefUnwindSafe + 'static) {
    register_xact_callback(PgXactCallbackEvent::Prepare, action);
}

/// Does something before this transaction is committed, with a snapshot, when it has done everything else. An ERROR aborts it.
/// Nothing where it is prepared instead: the session's next transaction is another one.
pub fn before_commit(action: impl FnOnce() + UnwindSafe + RefUnwindSafe + 'static) {
    let transaction = transaction_id();
    register_xact_callback(PgXactCallbackEvent::PreCommit, move || {
        if transaction.is_some() && transaction != transaction_id() {
            return;
        }
        // SAFETY: the transaction is still in progress (access/transam/xact.c, CommitTransaction), and no portal is open that
        // would have a snapshot; an ERROR pops it.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        action();
        // SAFETY: the one that was pushed.
        unsafe { pg_sys::PopActiveSnapshot() };
    });
}

/// Settings with this prefix that nobody has defined are misspelt.
pub fn reserve_setting_prefix(prefix: &CStr) {
    // SAFETY: the prefix is copied (utils/misc/guc.c).
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) }
}

/// The setting `lock_timeout`; `None` for no limit.
pub fn lock_timeout() -> Option<Duration> {
    // SAFETY: a setting (storage/proc.h), in milliseconds.
    let milliseconds = unsafe { pg_sys::LockTimeout };
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.unsigned_abs().into()))
}

/// Whether this transaction goes by one snapshot, from its first statement on: at REPEATABLE READ and SERIALIZABLE.
pub fn keeps_its_snapshot() -> bool {
    // SAFETY: a look at a variable; IsolationUsesXactSnapshot of access/xact.h.
    unsafe { pg_sys::XactIsoLevel >= int(pg_sys::XACT_REPEATABLE_READ) }
}

/// The transaction's id; `None` where it has changed nothing.
fn transaction_id() -> Option<pg_sys::TransactionId> {
    // SAFETY: reads the state of this process's transaction (access/transam/xact.c).
    let id = unsafe { pg_sys::GetTopTransactionIdIfAny() };
    (id != pg_sys::InvalidTransactionId).then_some(id)
}

/// The id of this transaction, or of the subtransaction that it is in; `None` where that has changed nothing.
pub fn transaction_part() -> Option<u32> {
    // SAFETY: as above.
    let id = unsafe { pg_sys::GetCurrentTransactionIdIfAny() };
    (id != pg_sys::InvalidTransactionId).then(|| id.into_inner())
}

/// Whether this transaction has changed anything that a crash could undo.
pub fn has_written() -> bool {
    transaction_id().is_some()
}
