//! The server's heavyweight locks, for a process that is connected to no database.

use super::c::{byte, int, size};
use super::database::may_drop;
use super::extension::Own;
use pgrx::pg_sys;

/// All locks that were held or waited for at one moment, as in pg_locks.
pub struct LockTable(&'static [pg_sys::LockInstanceData]);

impl LockTable {
    /// Reads the lock table and calls `look` with it. Outside of transactions.
    ///
    /// All of its partitions are locked meanwhile, as for a query of pg_locks: not for every day.
    pub fn read<T>(look: impl FnOnce(&LockTable) -> T) -> T {
        super::begin();
        // SAFETY: in this transaction, and `look` does not get hold of it for longer.
        let outcome = look(&unsafe { LockTable::copy() });
        super::commit();
        outcome
    }

    /// # Safety
    /// In a transaction, to whose end the copy is used at most: it is in its memory (storage/lmgr/lock.c).
    pub(super) unsafe fn copy() -> LockTable {
        // SAFETY: an array of so many, as it says.
        unsafe {
            let data = &*pg_sys::GetLockStatusData();
            LockTable(if data.nelements > 0 {
                core::slice::from_raw_parts(data.locks, size(data.nelements))
            } else {
                &[]
            })
        }
    }

    /// Whether another process has waited for this one to release a lock for longer than `deadlock_timeout`: by then
    /// autovacuum makes way, too (storage/lmgr/proc.c, ProcSleep).
    ///
    /// Not one that waits for all transactions, whatever they hold (CREATE INDEX CONCURRENTLY): nobody waits behind it, and any role
    /// may on a table of its own.
    ///
    /// On a catalog, or one of these relations of this extension's, whoever may not have his lock waits for it as well, and is
    /// refused only then (CREATE RULE, CREATE TRIGGER): there only those count who may, by their role or because they have been
    /// let drop the extension.
    pub fn makes_others_wait(&self, pid: i32, own: &Own) -> bool {
        // SAFETY: a setting, in milliseconds.
        let patience = i64::from(unsafe { pg_sys::DeadlockTimeout }) * 1_000;
        let now = super::now();
        let has_waited = |lock: &&pg_sys::LockInstanceData| {
            lock.waitLockMode != int(pg_sys::NoLock)
                && lock.waitStart != 0
                && now.saturating_sub(lock.waitStart) >= patience
                && lock.leaderPid != pid
                && lock.locktag.locktag_type
                    != byte(pg_sys::LockTagType::LOCKTAG_VIRTUALTRANSACTION)
                && self.may_have(lock, own)
        };
        self.0.iter().filter(has_waited).any(|waiting| {
            self.0.iter().any(|held| {
                held.pid == pid
                    && is_same(&held.locktag, &waiting.locktag)
                    && conflicts(held.holdMask, waiting.waitLockMode)
            })
        })
    }

    /// Whether a lock that is waited for is not on what is PostgreSQL's or this extension's, or its process may have it.
    fn may_have(&self, waiting: &pg_sys::LockInstanceData, own: &Own) -> bool {
        let tag = &waiting.locktag;
        let relation = tag.locktag_field2;
        let is_guarded = tag.locktag_type == byte(pg_sys::LockTagType::LOCKTAG_RELATION)
            && (relation < pg_sys::FirstNormalObjectId || own.relations.contains(&relation.into()));
        !is_guarded || own.owners.contains(&role_of(waiting.pid)) || self.drops(waiting, own)
    }

    /// Whether a process drops the extension: it gets this lock before it is looked whether it may, and keeps it if so.
    fn drops(&self, waiting: &pg_sys::LockInstanceData, own: &Own) -> bool {
        self.0.iter().any(|held| {
            let tag = &held.locktag;
            held.pid == waiting.pid
                && held.holdMask & bit(int(pg_sys::AccessExclusiveLock)) != 0
                && tag.locktag_type == byte(pg_sys::LockTagType::LOCKTAG_OBJECT)
                && tag.locktag_field1 == waiting.locktag.locktag_field1
                && tag.locktag_field2 == u32::from(pg_sys::ExtensionRelationId)
                && tag.locktag_field3 == u32::from(own.extension)
        })
    }

    /// Whether another process than this one has, or waits for, a lock on a database that keeps new connections out; see
    /// [`super::database_is_wanted`]. Not one that may not have it, which is looked at only when the lock has come. What a
    /// prepared transaction has locked is no process's. In a transaction.
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
                && (lock.pid == 0 || may_drop(role_of(lock.pid), database))
        })
    }
}

/// As whom a process has connected; nobody where it has gone.
fn role_of(pid: i32) -> pg_sys::Oid {
    // SAFETY: NULL, or an entry of the array of processes, which stays mapped (storage/ipc/procarray.c).
    unsafe {
        pg_sys::BackendPidGetProc(pid)
            .as_ref()
            .map_or(pg_sys::InvalidOid, |process| process.roleId)
    }
}

/// The other processes that have, or wait for, a lock on a relation of this database with which this mode conflicts. In a
/// transaction.
pub fn in_the_way(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE) -> Vec<i32> {
    // SAFETY: in the caller's transaction, and used up here; settings of this process.
    let (locks, database, me) =
        unsafe { (LockTable::copy(), pg_sys::MyDatabaseId, pg_sys::MyProcPid) };
    let mut processes: Vec<i32> = locks
        .0
        .iter()
        .filter(|lock| {
            lock.pid != me
                && lock.locktag.locktag_type == byte(pg_sys::LockTagType::LOCKTAG_RELATION)
                && lock.locktag.locktag_field1 == u32::from(database)
                && lock.locktag.locktag_field2 == u32::from(relation)
                && conflicts(lock.holdMask | bit(lock.waitLockMode), mode)
        })
        .map(|lock| lock.pid)
        .collect();
    processes.sort_unstable();
    processes.dedup();
    processes
}

/// Whether a prepared transaction of this database has written, or locked to write, one of this extension's relations. In a
/// transaction.
pub fn is_written_by_prepared(own: &Own) -> bool {
    // SAFETY: settings of this process.
    let (most, database) = unsafe { (pg_sys::max_prepared_xacts, pg_sys::MyDatabaseId) };
    if most == 0 {
        return false;
    }
    // SAFETY: in the caller's transaction, and used up here.
    let locks = unsafe { LockTable::copy() };
    let is_written = |lock: &pg_sys::LockInstanceData| {
        let tag = &lock.locktag;
        // What a prepared transaction has locked is no process's.
        lock.pid == 0
            && lock.holdMask & bit(int(pg_sys::RowExclusiveLock)) != 0
            && tag.locktag_type == byte(pg_sys::LockTagType::LOCKTAG_RELATION)
            && tag.locktag_field1 == u32::from(database)
            && own.relations.contains(&tag.locktag_field2.into())
    };
    locks.0.iter().any(is_written)
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
