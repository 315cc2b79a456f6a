//! Which relations a statement on a table reaches: itself, and what inherits from it, partitions among them.

use super::c::{int, short};
use super::memory::{ensure_memory, gather};
use super::{LockMode, Relation, RelationKind, bindings};
use logic::number;
use pgrx::{IntoDatum, PgList, direct_function_call, pg_sys};

/// The oids of a table and of everything below it, each with as many parents before it as it needs. Each but the table
/// itself is locked, and is still there, and still below it: while its lock was waited for it may have been taken away.
fn all_inheritors(root: &Relation, lock: LockMode) -> Vec<pg_sys::Oid> {
    loop {
        let locked = find(root, lock.mode());
        if locked == inheritors_unlocked(root) {
            return locked;
        }
        pgrx::check_for_interrupts!();
    }
}

fn find(root: &Relation, lock: pg_sys::LOCKMODE) -> Vec<pg_sys::Oid> {
    // SAFETY: find_all_inheritors locks each child and leaves out those that have gone (catalog/pg_inherits.c). The list
    // is palloc'd and read before anything is freed.
    unsafe {
        let list = pg_sys::ffi::pg_guard_ffi_boundary(|| {
            bindings::find_all_inheritors(root.oid(), lock, core::ptr::null_mut())
        });
        gather(PgList::<pg_sys::Oid>::from_pg(list).iter_oid())
    }
}

/// The tables that a statement on this one reaches, itself among them, without those that hold no rows of their own
/// (partitioned tables) and other sessions' temporary tables. Each is locked.
pub fn leaves(root: &Relation, lock: LockMode) -> Vec<Relation> {
    let oids = all_inheritors(root, lock).into_iter();
    gather(
        oids.filter_map(|oid| Relation::open(oid, lock))
            .filter(is_leaf),
    )
}

/// The same, and the partitioned tables that are passed on the way, but for the table itself.
pub fn reached(root: &Relation, lock: LockMode) -> (Vec<Relation>, Vec<Relation>) {
    let oids = all_inheritors(root, lock);
    // For both lists, which grow by doubling.
    ensure_memory(4 * size_of::<Relation>() * oids.len());
    oids.into_iter()
        .filter_map(|oid| Relation::open(oid, lock))
        .filter(|relation| relation.oid() != root.oid() || is_leaf(relation))
        .partition(is_leaf)
}

/// Whether rows may be in it that this session can see.
pub fn is_leaf(relation: &Relation) -> bool {
    relation.kind() != RelationKind::PartitionedTable && !relation.is_other_temporary()
}

/// The oids of a table and of everything below it, without a lock: each may have gone by now, or be somebody else's.
pub fn inheritors_unlocked(root: &Relation) -> Vec<pg_sys::Oid> {
    find(root, int(pg_sys::NoLock))
}

/// How many rows this transaction has inserted into a table and into what is below it, each with its oid, those of its parts that
/// were taken back among them; `None` where that is not counted (setting `track_counts`). Rows that are updated are not: they
/// were there before.
pub fn rows_inserted(root: &Relation) -> Option<Vec<(pg_sys::Oid, u64)>> {
    // SAFETY: a setting; takes an oid, returns an int8 and never NULL (utils/adt/pgstatfuncs.c).
    unsafe {
        pg_sys::pgstat_track_counts.then(|| {
            let inserted = |oid: pg_sys::Oid| {
                let inserted = pg_sys::pg_stat_get_xact_tuples_inserted;
                let inserted = direct_function_call::<i64>(inserted, &[oid.into_datum()]);
                (oid, number::count(inserted.unwrap_or_default()))
            };
            inheritors_unlocked(root)
                .into_iter()
                .map(inserted)
                .collect()
        })
    }
}

/// How many rows this transaction has updated in a table and in what is below it; none where that is not counted.
pub fn rows_updated(root: &Relation) -> u64 {
    let updated = |oid: pg_sys::Oid| {
        // SAFETY: takes an oid, returns an int8 and never NULL (utils/adt/pgstatfuncs.c).
        let updated = unsafe {
            direct_function_call::<i64>(
                pg_sys::pg_stat_get_xact_tuples_updated,
                &[oid.into_datum()],
            )
        };
        number::count(updated.unwrap_or_default())
    };
    inheritors_unlocked(root).into_iter().map(updated).sum()
}

/// Locks and opens a table and everything between it and the open root, from the top down as PostgreSQL does; the table
/// itself is the last. `None` where it has gone, or a statement on the root does not reach it.
///
/// While they are locked it stays so: taking a child from its parent locks the child.
pub fn open_below(root: &Relation, oid: pg_sys::Oid, lock: LockMode) -> Option<Vec<Relation>> {
    loop {
        let path = path(root.oid(), oid)?;
        let opened = path
            .iter()
            .map(|oid| Relation::open(*oid, lock))
            .collect::<Option<Vec<_>>>();
        // Before the locks came, it may have been moved to another place.
        if let Some(opened) = opened
            && self::path(root.oid(), oid).as_ref() == Some(&path)
        {
            return Some(opened);
        }
        pgrx::check_for_interrupts!();
    }
}

/// The way from a root, which is not in it, down to a table.
fn path(root: pg_sys::Oid, oid: pg_sys::Oid) -> Option<Vec<pg_sys::Oid>> {
    if oid == root {
        return Some(Vec::new());
    }
    // PostgreSQL allows no circles.
    parents(oid).into_iter().find_map(|parent| {
        let mut path = path(root, parent)?;
        path.push(oid);
        Some(path)
    })
}

/// The parents of a table by the newest state of pg_inherits, without those that it is being detached from.
fn parents(oid: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    let mut parents = Vec::new();
    // SAFETY: a scan of a catalog by its index (catalog/pg_inherits.c does the same); NULL asks for a new snapshot. The
    // tuples are read before the scan goes on.
    unsafe {
        let lock = int(pg_sys::AccessShareLock);
        let catalog = pg_sys::table_open(pg_sys::InheritsRelationId, lock);
        let mut key: pg_sys::ScanKeyData = core::mem::zeroed();
        pg_sys::ScanKeyInit(
            &mut key,
            short(pg_sys::Anum_pg_inherits_inhrelid),
            short(pg_sys::BTEqualStrategyNumber).cast_unsigned(),
            pg_sys::F_OIDEQ.into(),
            pg_sys::Datum::from(oid),
        );
        let scan = pg_sys::systable_beginscan(
            catalog,
            pg_sys::InheritsRelidSeqnoIndexId.into(),
            true,
            core::ptr::null_mut(),
            1,
            &mut key,
        );
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_inherits>();
            if !row.inhdetachpending {
                parents.push(row.inhparent);
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(catalog, lock);
    }
    parents
}
