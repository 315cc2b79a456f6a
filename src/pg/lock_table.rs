//! The server's heavyweight locks, for a process that is connected to no database.

use super::c::{byte, int, size};
use pgrx::pg_sys;

/// All locks that were held or waited for at one moment, as in pg_locks.
pub struct LockTable(&'static [pg_sys::LockInstanceData]);

impl LockTable {
    /// Reads the lock table and calls `look` with it. Outside of transactions.
    ///
    /// All of its partitions are locked meanwhile, as for a query of pg_locks: not for every day.
    pub fn read<T>(look: impl FnOnce(&LockTable) -> T) -> T {
        super::begin();
        // SAFETY: a copy in the transaction's memory (storage/lmgr/lock.c), which `look` does not get hold of for longer.
        let locks = unsafe {
            let data = &*pg_sys::GetLockStatusData();
            LockTable(if data.nelements > 0 {
                core::slice::from_raw_parts(data.locks, size(data.nelements))
            } else {
                &[]
            })
        };
        let outcome = look(&locks);
        super::commit();
        outcome
    }

    /// Whether another process has waited for this one to release a lock for longer than `deadlock_timeout`: by then
    /// autovacuum makes way, too (storage/lmgr/proc.c, ProcSleep).
    pub fn makes_others_wait(&self, pid: i32) -> bool {
        // SAFETY: a setting, in milliseconds.
        let patience = i64::from(unsafe { pg_sys::DeadlockTimeout }) * 1_000;
        let now = super::now();
        let has_waited = |lock: &&pg_sys::LockInstanceData| {
            lock.waitLockMode != int(pg_sys::NoLock)
                && lock.waitStart != 0
                && now.saturating_sub(lock.waitStart) >= patience
                && lock.leaderPid != pid
        };
        self.0.iter().filter(has_waited).any(|waiting| {
            self.0.iter().any(|held| {
                held.pid == pid
                    && is_same(&held.locktag, &waiting.locktag)
                    && conflicts(held.holdMask, waiting.waitLockMode)
            })
        })
    }

    /// Whether another process than this one has, or waits for, a lock on a database that keeps new connections out; see
    /// [`super::database_is_wanted`].
    pub fn database_is_wanted(&self, database: pg_sys::Oid, pid: i32) -> bool {
        let connects = int(pg_sys::RowExclusiveLock);
        self.0.iter().any(|lock| {
            let tag = &lock.locktag;
            lock.pid != pid
                && tag.locktag_type == byte(pg_sys::LockTagType::LOCKTAG_OBJECT)
                && tag.locktag_field1 == 0
                && tag.locktag_field2 == u32::from(pg_sys::DatabaseRelationId)
                && tag.locktag_field3 == u32::from(database)
                && conflicts(lock.holdMask | bit(lock.waitLockMode), connects)
        })
    }
}

fn is_same(one: &pg_sys::LOCKTAG, other: &pg_sys::LOCKTAG) -> bool {
    let fields = |tag: &pg_sys::LOCKTAG| {
        (
            tag.locktag_field1,
            tag.locktag_field2,
            tag.locktag_field3,
            tag.locktag_field4,
            tag.locktag_type,
            tag.locktag_lockmethodid,
        )
    };
    fields(one) == fields(other)
}

/// LOCKBIT_ON of storage/lock.h, of which that of no lock means nothing.
fn bit(mode: pg_sys::LOCKMODE) -> pg_sys::LOCKMASK {
    1 << mode
}

/// Whether one of these modes conflicts with this one.
fn conflicts(held: pg_sys::LOCKMASK, mode: pg_sys::LOCKMODE) -> bool {
    let modes = int(pg_sys::AccessShareLock)..=int(pg_sys::AccessExclusiveLock);
    // SAFETY: looks into a constant table by two modes that there are.
    modes
        .filter(|one| held & bit(*one) != 0)
        .any(|one| unsafe { pg_sys::DoLockModesConflict(one, mode) })
}
