//! The cluster's databases, and whether a session waits to have this one for itself.

use super::LockTable;
use super::bindings::DATABASEOID;
use super::c::{byte, int};
use core::ptr;
use pgrx::pg_sys;

/// A row of pg_database.
#[derive(Clone, Debug)]
pub struct Database {
    pub oid: pg_sys::Oid,
    pub name: String,
    /// One that CREATE DATABASE copies, for which nobody may be connected to it.
    pub is_template: bool,
    /// It accepts connections.
    pub allows_connections: bool,
}

/// All databases but those that are being dropped. Outside of transactions; needs no connection to any database.
pub fn databases() -> Vec<Database> {
    super::begin();
    let mut databases = Vec::new();
    // SAFETY: as the autovacuum launcher reads pg_database (postmaster/autovacuum.c, get_database_list): a catalog scan
    // under a snapshot that it takes itself. A tuple is valid until the next; its data is copied.
    unsafe {
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, int(pg_sys::AccessShareLock));
        let scan = pg_sys::table_beginscan_catalog(relation, 0, ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            // Being dropped, or was when the server crashed.
            if row.datconnlimit == pg_sys::DATCONNLIMIT_INVALID_DB {
                continue;
            }
            databases.push(Database {
                oid: row.oid,
                name: super::name::shown(&row.datname),
                is_template: row.datistemplate,
                allows_connections: row.datallowconn,
            });
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, int(pg_sys::AccessShareLock));
    }
    super::commit();
    databases
}

/// A database by its name; `None` where there is none. In a transaction.
pub fn database_named(name: &str) -> Option<pg_sys::Oid> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: a look-up; the name is only read, and a database that is missing is no ERROR.
    let oid = unsafe { pg_sys::get_database_oid(name.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Whether another session that may have it holds, or waits for, a lock on this database that keeps new connections out: DROP
/// DATABASE, ALTER DATABASE ... RENAME or SET TABLESPACE, CREATE DATABASE from it. They wait some seconds for others to leave.
/// In a transaction.
pub fn database_is_wanted() -> bool {
    let database = super::my_database();
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: u32::from(pg_sys::DatabaseRelationId),
        locktag_field3: u32::from(database),
        locktag_field4: 0,
        locktag_type: byte(pg_sys::LockTagType::LOCKTAG_OBJECT),
        locktag_lockmethodid: byte(pg_sys::DEFAULT_LOCKMETHOD),
    };
    // The lock that a starting backend takes (utils/init/postinit.c).
    let mode = int(pg_sys::RowExclusiveLock);
    // SAFETY: the tag is that of a shared object (storage/lock.h, SET_LOCKTAG_OBJECT). Without waiting the lock is taken
    // or not; if taken, it is given back at once.
    unsafe {
        let outcome = pg_sys::LockAcquire(&tag, mode, false, true);
        if outcome == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
            return LockTable::copy().database_is_wanted(database, super::my_pid());
        }
        pg_sys::LockRelease(&tag, mode, false);
    }
    false
}

/// Whether a role may drop a database: it is a superuser, or a member of its owner. In a transaction; a process without a
/// database may ask, too (utils/cache/catcache.c, IndexScanOK).
pub(super) fn may_drop(role: pg_sys::Oid, database: pg_sys::Oid) -> bool {
    // SAFETY: look-ups in the system caches; the tuple is read before it is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(DATABASEOID, pg_sys::Datum::from(database));
        if tuple.is_null() {
            return false;
        }
        let owner = (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>()).datdba;
        pg_sys::ReleaseSysCache(tuple);
        pg_sys::is_member_of_role(role, owner)
    }
}

/// What tells this server from others: a copy of its files has the same, one made anew by initdb or pg_upgrade another.
pub fn system_identifier() -> u64 {
    // SAFETY: reads what every process has read of pg_control when it started (access/transam/xlog.c).
    unsafe { pg_sys::GetSystemIdentifier() }
}
