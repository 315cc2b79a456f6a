//! Who is told of a table's rows by logical decoding.

use super::Relation;
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
