//! Who is told of a table's rows by logical decoding.

use super::Relation;
use super::c::byte_of;
use pgrx::pg_sys;

/// Whether a publication of this table, of its schema, of one of its partitioned parents or of all tables publishes
/// deletes.
pub fn publishes_deletes(relation: &Relation) -> bool {
    // SAFETY: fills in the descriptor for an open relation (utils/cache/relcache.c); it is plain data.
    unsafe {
        let mut publication: pg_sys::PublicationDesc = core::mem::zeroed();
        pg_sys::RelationBuildPublicationDesc(relation.as_ptr(), &mut publication);
        publication.pubactions.pubdelete
    }
}

/// Reads what other transactions have invalidated: a publication is altered without a lock on its tables.
pub fn read_invalidations() {
    // SAFETY: as when a lock is taken (storage/lmgr/lmgr.c); in a transaction.
    unsafe { pg_sys::AcceptInvalidationMessages() }
}

/// Why a DELETE from a leaf fails because its deletes are published; as CheckCmdReplicaIdentity, which raises it
/// (executor/execReplication.c).
pub fn why_not_published(leaf: &Relation) -> Option<&'static str> {
    // SAFETY: fills in the descriptor, plain data, and looks in the cache, for an open relation.
    unsafe {
        let mut publication: pg_sys::PublicationDesc = core::mem::zeroed();
        pg_sys::RelationBuildPublicationDesc(leaf.as_ptr(), &mut publication);
        if !publication.rf_valid_for_delete {
            return Some(
                "a publication's WHERE reads a column that is not part of the replica identity",
            );
        }
        if !publication.cols_valid_for_delete {
            return Some("a publication's column list lacks a column of the replica identity");
        }
        #[cfg(any(feature = "pg18", feature = "pg19"))]
        if !publication.gencols_valid_for_delete {
            return Some("the replica identity has a generated column that is not published");
        }
        let has_identity = pg_sys::RelationGetReplicaIndex(leaf.as_ptr()) != pg_sys::InvalidOid
            || byte_of(leaf.class().relreplident) == pg_sys::REPLICA_IDENTITY_FULL;
        (publication.pubactions.pubdelete && !has_identity)
            .then_some("it does not have a replica identity and publishes deletes")
    }
}
