//! Whether a row is still the one that was read, or another transaction is at it, without a statement: a look by an index,
//! some hundred times as fast.

use super::c::{int, short};
use super::extension;
use pgrx::pg_sys;

/// Which version of a row it was; of none, where there was none. A row that is changed, by whatever way, is another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowVersion(Option<(pg_sys::TransactionId, u32, u16)>);

/// The version of a table's row among the policies, by the newest state of that table. `None` where that cannot be told in
/// this way: the extension is not there (any more), its schema has another name, or what is named so is not its own.
pub fn policy_version(table: pg_sys::Oid) -> Option<RowVersion> {
    let policies = extension::policies()?;
    // SAFETY: a scan by the primary key, whose one column is the first of the table and, in storage, an oid. NULL asks for
    // a new snapshot (access/index/genam.c). The tuple is read before the scan ends.
    unsafe {
        let lock = int(pg_sys::AccessShareLock);
        let relation = pg_sys::try_relation_open(policies, lock);
        if relation.is_null() {
            return None;
        }
        pg_sys::list_free(pg_sys::RelationGetIndexList(relation));
        let index = (*relation).rd_pkindex;
        let version = (index != pg_sys::InvalidOid).then(|| {
            let mut key = key_of(table);
            let none = core::ptr::null_mut();
            let scan = pg_sys::systable_beginscan(relation, index, true, none, 1, &mut key);
            let tuple = pg_sys::systable_getnext(scan).as_ref();
            let version = tuple.map(|tuple| {
                let place = &tuple.t_self;
                let block = u32::from(place.ip_blkid.bi_hi) << 16 | u32::from(place.ip_blkid.bi_lo);
                let xmin = (*tuple.t_data).t_choice.t_heap.t_xmin;
                (xmin, block, place.ip_posid)
            });
            pg_sys::systable_endscan(scan);
            RowVersion(version)
        });
        pg_sys::relation_close(relation, lock);
        version
    }
}

/// Those of these tables whose rows among the states other transactions have written (inserted, changed or removed) that have
/// not ended: to write them as well would be to wait for those.
pub fn states_being_written(tables: &[pg_sys::Oid]) -> Vec<pg_sys::Oid> {
    let Some(states) = extension::states() else {
        return Vec::new();
    };
    // SAFETY: as in `policy_version`; the relation is open as long as it is scanned.
    unsafe {
        let lock = int(pg_sys::AccessShareLock);
        let relation = pg_sys::try_relation_open(states, lock);
        if relation.is_null() {
            return Vec::new();
        }
        pg_sys::list_free(pg_sys::RelationGetIndexList(relation));
        let index = (*relation).rd_pkindex;
        let is_written = |table: &&pg_sys::Oid| is_being_written(relation, index, **table);
        let written = if index == pg_sys::InvalidOid {
            Vec::new()
        } else {
            tables.iter().filter(is_written).copied().collect()
        };
        pg_sys::relation_close(relation, lock);
        written
    }
}

/// Whether another transaction, which has not ended, has written the row with this key.
///
/// # Safety
/// The relation is open, and the index is that of its primary key, one oid.
unsafe fn is_being_written(
    relation: pg_sys::Relation,
    index: pg_sys::Oid,
    key: pg_sys::Oid,
) -> bool {
    // SAFETY: a dirty snapshot needs no more than its kind to be set (utils/snapmgr.h, InitDirtySnapshot), nor to be
    // registered, and outlives the scan; with each row that is found it says who else is at that (heapam_visibility.c).
    unsafe {
        let mut snapshot: pg_sys::SnapshotData = core::mem::zeroed();
        snapshot.snapshot_type = pg_sys::SnapshotType::SNAPSHOT_DIRTY;
        let mut key = key_of(key);
        let scan = pg_sys::systable_beginscan(relation, index, true, &mut snapshot, 1, &mut key);
        let mut is_written = false;
        while !is_written && !pg_sys::systable_getnext(scan).is_null() {
            let none = pg_sys::InvalidTransactionId;
            is_written = snapshot.xmin != none || snapshot.xmax != none;
        }
        pg_sys::systable_endscan(scan);
        is_written
    }
}

/// For a scan by a primary key that is one oid, the first column.
fn key_of(oid: pg_sys::Oid) -> pg_sys::ScanKeyData {
    // SAFETY: plain data, which is filled in; the number of the function is the comparison of two oids.
    unsafe {
        let mut key: pg_sys::ScanKeyData = core::mem::zeroed();
        pg_sys::ScanKeyInit(
            &mut key,
            1,
            short(pg_sys::BTEqualStrategyNumber).cast_unsigned(),
            pg_sys::F_OIDEQ.into(),
            pg_sys::Datum::from(oid),
        );
        key
    }
}

/// Whether a subscription writes any table of this database, by the newest state of pg_subscription_rel.
pub fn has_subscribed_tables() -> bool {
    // SAFETY: a scan of a catalog; what it finds is only looked at for being there.
    unsafe {
        let lock = int(pg_sys::AccessShareLock);
        let catalog = pg_sys::table_open(pg_sys::SubscriptionRelRelationId, lock);
        let none = core::ptr::null_mut();
        let scan = pg_sys::systable_beginscan(
            catalog,
            pg_sys::InvalidOid,
            false,
            none,
            0,
            core::ptr::null_mut(),
        );
        let found = !pg_sys::systable_getnext(scan).is_null();
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalog, lock);
        found
    }
}
