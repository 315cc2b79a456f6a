//! The write-ahead log: whether it has reached the disk, and the replicas.

use super::c::int;
use super::{bindings, spi};
use pgrx::pg_sys;

/// Makes every commit of this process so far durable, as the session's `synchronous_commit` wants it: for transactions
/// that committed asynchronously.
pub fn make_commits_durable() {
    // SAFETY: outside a critical section (access/transam/xlog.c). XactLastCommitEnd is 0 where nothing has been
    // committed, which is flushed already. SyncRepWaitForLSN wants interrupts held, and answers to a cancel or a
    // shutdown with a WARNING (replication/syncrep.c).
    unsafe {
        let level = pg_sys::synchronous_commit.unsigned_abs();
        if level == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF {
            return;
        }
        pg_sys::XLogFlush(pg_sys::XactLastCommitEnd);
        if level > pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_LOCAL_FLUSH {
            pg_sys::InterruptHoldoffCount += 1;
            pg_sys::SyncRepWaitForLSN(pg_sys::XactLastCommitEnd, true);
            pg_sys::InterruptHoldoffCount -= 1;
        }
    }
}

/// Has every commit of this process so far reached the local disk. No synchronous standby is waited for.
pub fn flush_commits() {
    // SAFETY: as in `make_commits_durable`.
    unsafe { pg_sys::XLogFlush(pg_sys::XactLastCommitEnd) }
}

/// Has the WAL writer begin with what this transaction has written so far, as an asynchronous commit does. A long transaction
/// would else write its WAL itself, whenever the WAL buffers are full, and have most of it left to flush when it commits.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`; in a transaction that may write.
pub(super) unsafe fn write_soon() {
    // SAFETY: moves a position in shared memory forward, under its own lock, and sets the WAL writer's latch
    // (access/transam/xlog.c). XactLastRecEnd is the end of this backend's last record, so that all before it has been
    // reserved; it is 0 where nothing has been logged.
    unsafe {
        if pg_sys::XactLastRecEnd != 0 {
            bindings::XLogSetAsyncXactLSN(pg_sys::XactLastRecEnd);
        }
    }
}

/// A position in the WAL.
pub type Lsn = u64;

/// Where the WAL ends now.
pub fn wal_end() -> Lsn {
    // SAFETY: reads shared memory under its own lock.
    unsafe { pg_sys::GetXLogInsertRecPtr() }
}

/// Up to where the WAL has reached the disk: replicas get no more of it.
pub fn wal_flushed() -> Lsn {
    // SAFETY: reads shared memory under its own lock; the timeline is not wanted (access/transam/xlog.c). Outside
    // recovery, as every clearing is.
    unsafe { pg_sys::GetFlushRecPtr(std::ptr::null_mut()) }
}

/// Up to where every connected replica has replayed; `None` without replicas.
///
/// Asked as the bootstrap superuser, because ordinary roles do not see the positions of others' connections: the
/// statement is a constant, and runs nobody's code.
pub fn replayed_by_all() -> Option<Lsn> {
    let statement = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.min(replay_lsn), '0/0')::pg_catalog.int8 \
                     FROM pg_catalog.pg_stat_get_wal_senders() WHERE replay_lsn IS NOT NULL";
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: the identity is put back right after the statement; an ERROR's abort puts it back too
    // (access/transam/xact.c).
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(
            pg_sys::BOOTSTRAP_SUPERUSERID.into(),
            context | int(pg_sys::SECURITY_LOCAL_USERID_CHANGE),
        );
        let position = spi::query_one(statement, &[]);
        pg_sys::SetUserIdAndSecContext(user, context);
        position
    }
}

/// The timeline that the server writes to; `None` on a standby.
pub fn timeline() -> Option<u32> {
    // SAFETY: reads shared memory (access/transam/xlog.c), which says so once recovery is over.
    (!super::in_recovery()).then(|| unsafe { pg_sys::GetWALInsertionTimeLine() })
}
