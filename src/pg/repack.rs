//! REPACK (CONCURRENTLY), which PostgreSQL has from version 19 on: the rows of a table are written anew, packed together,
//! while others read and write it.

#[cfg(feature = "pg19")]
use super::c::byte_of;
use super::{LockMode, Relation};
use pgrx::pg_sys;
use std::time::Duration;

/// Whether this server has it.
pub const HAS_REPACK: bool = cfg!(feature = "pg19");

/// Why PostgreSQL would refuse it for a table, as far as that is known beforehand.
#[cfg(feature = "pg19")]
pub fn why_not_repacked(relation: &Relation) -> Option<String> {
    // SAFETY: reads the open relation's entry, and its indexes' where these are not known yet.
    let identity = unsafe { pg_sys::GetRelationIdentityOrPK(relation.as_ptr()) };
    let replica_identity = byte_of(relation.class().relreplident);
    let why = if !relation.is_heap() {
        "its rows are not in a heap"
    } else if !relation.is_permanent() {
        "it is unlogged or temporary"
    } else if replica_identity == pg_sys::REPLICA_IDENTITY_NOTHING {
        "its replica identity is NOTHING"
    } else if replica_identity == pg_sys::REPLICA_IDENTITY_FULL {
        "its replica identity is FULL"
    } else if identity == pg_sys::InvalidOid {
        "it has neither a primary key nor an index that is its replica identity"
    } else if super::server_setting(c"wal_level") == "minimal" {
        "wal_level is minimal"
    } else if super::server_setting(c"max_repack_replication_slots") == "0" {
        "max_repack_replication_slots is 0"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// The same where there is none.
#[cfg(not(feature = "pg19"))]
pub fn why_not_repacked(_: &Relation) -> Option<String> {
    Some("PostgreSQL has REPACK (CONCURRENTLY) from version 19 on".to_owned())
}

/// Repacks a table, or nothing where it has gone, or [`why_not_repacked`] says so for all of this server's. Outside of
/// transactions, at top level.
///
/// ERROR where another session has locked the table for longer than `lock_timeout`, as an ALTER TABLE does; and where a
/// transaction that is open when it begins stays so for longer than `wait`. At its end it waits as long for whoever is using
/// the table, and the others queue behind it: the caller has to see to that, by [`waits_to_finish`].
pub fn repack(table: pg_sys::Oid, wait: Duration) {
    super::begin();
    let opened = Relation::open(table, LockMode::ShareUpdateExclusive);
    if let Some(relation) = opened.filter(Relation::is_heap) {
        super::set_for_transaction(c"lock_timeout", &wait.as_millis().to_string());
        repack_opened(relation);
    }
    super::commit();
}

#[cfg(feature = "pg19")]
fn repack_opened(relation: Relation) {
    let relation = core::mem::ManuallyDrop::new(relation);
    let mut options = pg_sys::ClusterParams {
        options: pg_sys::CLUOPT_CONCURRENT,
    };
    // SAFETY: as ExecRepack calls it for a single table (commands/repack.c): at top level, in a transaction that has a
    // snapshot and no transaction id yet, for which the process that decodes the changes would wait for ever; with an
    // ordinary table, open and locked as VACUUM locks it. By the oid, so that no name can have come to mean another
    // table. What the table has to be is looked at there again, and it acts as the table's owner in a security-restricted
    // operation, by itself. It closes the relation, which is therefore not dropped here. It waits with checks for
    // interrupts; where it ends with an ERROR, it has ended that process, and with it the slot.
    unsafe {
        pg_sys::cluster_rel(
            pg_sys::RepackCommand::REPACK_COMMAND_REPACK,
            relation.as_ptr(),
            pg_sys::InvalidOid,
            &mut options,
            true,
        );
    }
}

#[cfg(not(feature = "pg19"))]
fn repack_opened(_: Relation) {}

/// Whether this process waits for a lock, and has written before: it may then hold up others, who wait behind it. May be
/// asked in a signal handler.
pub fn waits_to_finish() -> bool {
    // SAFETY: this process's own entry, which is there as long as it is connected; it alone writes its transaction id
    // (access/transam/varsup.c), and whoever wakes it up the lock that it waits for, which is only compared with NULL.
    unsafe {
        pg_sys::MyProc.as_ref().is_some_and(|process| {
            process.xid != pg_sys::InvalidTransactionId
                && !core::ptr::read_volatile(&raw const process.waitLock).is_null()
        })
    }
}
