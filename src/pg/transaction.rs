//! What a run needs of its transactions: settings, durability, cost.

use super::spi;
use core::ffi::CStr;
use pgrx::pg_sys;
use std::ffi::CString;

/// Sets a setting until the transaction ends.
pub fn set_for_transaction(name: &CStr, value: &str) {
    let value = CString::new(value).expect("a setting's value has no zero byte");
    // SAFETY: as SET LOCAL does it; both strings are copied.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// Makes every commit of this process so far durable, as the session's `synchronous_commit` wants it: for transactions
/// that committed asynchronously.
pub fn make_commits_durable() {
    // SAFETY: outside a critical section (access/transam/xlog.c, replication/syncrep.c). XactLastCommitEnd is 0 where
    // nothing has been committed, which is flushed already.
    unsafe {
        let level = pg_sys::synchronous_commit as u32;
        if level == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF {
            return;
        }
        pg_sys::XLogFlush(pg_sys::XactLastCommitEnd);
        if level > pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_LOCAL_FLUSH {
            pg_sys::SyncRepWaitForLSN(pg_sys::XactLastCommitEnd, true);
        }
    }
}

/// What this process has cost so far, in the units of vacuum_cost_page_hit, _miss and _dirty.
pub fn buffer_cost() -> u64 {
    // SAFETY: counters of this process (executor/instrument.h) and settings (miscadmin.h).
    let cost = unsafe {
        let usage = pg_sys::pgBufferUsage;
        (usage.shared_blks_hit + usage.local_blks_hit) * i64::from(pg_sys::VacuumCostPageHit)
            + (usage.shared_blks_read + usage.local_blks_read)
                * i64::from(pg_sys::VacuumCostPageMiss)
            + (usage.shared_blks_dirtied + usage.local_blks_dirtied)
                * i64::from(pg_sys::VacuumCostPageDirty)
    };
    cost.max(0) as u64
}

/// A position in the WAL.
pub type Lsn = u64;

/// Where the WAL ends now.
pub fn wal_end() -> Lsn {
    // SAFETY: reads shared memory under its own lock.
    unsafe { pg_sys::GetXLogInsertRecPtr() }
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
    let rows = unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(
            pg_sys::BOOTSTRAP_SUPERUSERID.into(),
            context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32,
        );
        let rows = spi::query(statement, &[]);
        pg_sys::SetUserIdAndSecContext(user, context);
        rows
    };
    rows.into_iter().flatten().next().flatten()?.parse().ok()
}
