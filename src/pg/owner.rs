//! Who owns a table, and acting as its owner.

use super::Relation;
use super::c::{byte_of, int};
use logic::number;
use pgrx::{IntoDatum, direct_function_call, pg_sys};

/// What a relation is before it is locked: enough to decide how to lock it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlocked {
    /// An ordinary table.
    Table,
    PartitionedTable,
    /// Anything else, also a system catalog or nothing at all.
    Other,
}

/// Looks at a relation without a lock: what it says may have changed when the lock has come.
pub fn look_unlocked(oid: pg_sys::Oid) -> Unlocked {
    // SAFETY: catalog look-ups; for an oid of nothing the kind is 0.
    let (kind, is_catalog) = unsafe {
        (
            byte_of(pg_sys::get_rel_relkind(oid)),
            pg_sys::IsCatalogRelationOid(oid),
        )
    };
    match kind {
        pg_sys::RELKIND_RELATION if !is_catalog => Unlocked::Table,
        pg_sys::RELKIND_PARTITIONED_TABLE => Unlocked::PartitionedTable,
        _ => Unlocked::Other,
    }
}

/// The name of a relation that may not be locked.
pub fn name_unlocked(oid: pg_sys::Oid) -> String {
    // SAFETY: a catalog look-up; NULL where there is no such relation, else a palloc'd copy.
    unsafe {
        let name = pg_sys::get_rel_name(oid);
        if name.is_null() {
            return String::new();
        }
        core::ffi::CStr::from_ptr(name)
            .to_string_lossy()
            .into_owned()
    }
}

/// The schema and the name of a relation, as messages show them; `None` where there is none of that oid (any more).
pub fn full_name(oid: pg_sys::Oid) -> Option<String> {
    // SAFETY: catalog look-ups; NULL where there is no such relation or schema, else a palloc'd copy.
    unsafe {
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(oid));
        let name = pg_sys::get_rel_name(oid);
        if schema.is_null() || name.is_null() {
            return None;
        }
        let text = |text| core::ffi::CStr::from_ptr(text).to_string_lossy();
        Some(format!("{}.{}", text(schema), text(name)))
    }
}

/// How many rows a relation has by the last VACUUM or ANALYZE, 0 where there was none; `None` where there is none of that
/// oid (any more).
pub fn estimated_rows(oid: pg_sys::Oid) -> Option<f64> {
    // SAFETY: a look-up in the system cache; the tuple is read before it is released.
    unsafe {
        let cache = super::bindings::RELOID;
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(oid));
        if tuple.is_null() {
            return None;
        }
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        let rows = (*class).reltuples;
        pg_sys::ReleaseSysCache(tuple);
        Some(f64::from(rows.max(0.0)))
    }
}

/// Rows of a relation that this process has deleted, since it last told the statistics system; 0 without `track_counts`.
pub fn deleted_here(oid: pg_sys::Oid) -> u64 {
    // SAFETY: a look at counters of this process (utils/adt/pgstatfuncs.c), with subtransactions that go on.
    let deleted = unsafe {
        direct_function_call::<i64>(pg_sys::pg_stat_get_xact_tuples_deleted, &[oid.into_datum()])
    };
    number::count(deleted.unwrap_or(0))
}

/// The identity of a table's owner, under which code of the table's (functions of its indexes, constraints and policies)
/// runs, in a restricted operation, as VACUUM FULL and REINDEX take it. Given back on drop; where an ERROR unwinds, by the abort.
pub struct AsOwner {
    user: pg_sys::Oid,
    context: i32,
    settings: i32,
}

impl AsOwner {
    pub fn of(relation: &Relation) -> AsOwner {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: as cluster_rel() does (commands/cluster.c): what index functions set is taken back with the level.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(
                relation.class().relowner,
                context | int(pg_sys::SECURITY_RESTRICTED_OPERATION),
            );
            let settings = pg_sys::NewGUCNestLevel();
            #[cfg(not(any(feature = "pg15", feature = "pg16")))]
            pg_sys::RestrictSearchPath();
            AsOwner {
                user,
                context,
                settings,
            }
        }
    }
}

impl Drop for AsOwner {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: ends what `of` began.
            unsafe {
                pg_sys::AtEOXact_GUC(false, self.settings);
                pg_sys::SetUserIdAndSecContext(self.user, self.context);
            }
        }
    }
}
