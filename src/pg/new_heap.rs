//! Rewriting a heap without its expired rows: a new heap with what is to stay takes the place of the old one.
//!
//! The steps are those of VACUUM FULL (commands/cluster.c), and what does them is PostgreSQL's own: only the relation's
//! files are exchanged, so that its oid, and all that hangs on it, stays. Until the transaction commits, the old files are
//! there too: a crash at any moment leaves one or the other.

mod chunk;
mod copy;
mod judge;
mod team;

pub use judge::Judge;

use self::chunk::Found;
use self::copy::{Cutoffs, copy};
use super::c::int;
use super::owner::AsOwner;
use super::{LockMode, Relation, bindings, refusing};
use crate::refusal::Refusal;
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// InvalidMultiXactId of access/multixact.h.
const NO_MULTIXACT: pg_sys::MultiXactId = pg_sys::InvalidTransactionId;

/// The fields of pg_stat_progress_cluster (commands/progress.h), which PostgreSQL 19 calls pg_stat_progress_repack.
mod progress {
    #[cfg(not(feature = "pg19"))]
    pub use pgrx::pg_sys::{
        PROGRESS_CLUSTER_COMMAND as COMMAND, PROGRESS_CLUSTER_COMMAND_VACUUM_FULL as VACUUM_FULL,
        PROGRESS_CLUSTER_HEAP_BLKS_SCANNED as HEAP_BLKS_SCANNED, PROGRESS_CLUSTER_PHASE as PHASE,
        PROGRESS_CLUSTER_PHASE_SEQ_SCAN_HEAP as SEQ_SCAN_HEAP,
        PROGRESS_CLUSTER_TOTAL_HEAP_BLKS as TOTAL_HEAP_BLKS,
        ProgressCommandType::PROGRESS_COMMAND_CLUSTER as COMMAND_TYPE,
    };
    #[cfg(feature = "pg19")]
    pub use pgrx::pg_sys::{
        PROGRESS_REPACK_COMMAND as COMMAND, PROGRESS_REPACK_HEAP_BLKS_SCANNED as HEAP_BLKS_SCANNED,
        PROGRESS_REPACK_PHASE as PHASE, PROGRESS_REPACK_PHASE_SEQ_SCAN_HEAP as SEQ_SCAN_HEAP,
        PROGRESS_REPACK_TOTAL_HEAP_BLKS as TOTAL_HEAP_BLKS,
        ProgressCommandType::PROGRESS_COMMAND_REPACK as COMMAND_TYPE,
        RepackCommand::REPACK_COMMAND_VACUUMFULL as VACUUM_FULL,
    };
}

/// What has become of a heap's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Expired rows, left out.
    pub removed: u64,
    /// The others.
    pub kept: u64,
}

impl std::ops::AddAssign for Rewritten {
    fn add_assign(&mut self, other: Rewritten) {
        self.removed += other.removed;
        self.kept += other.kept;
    }
}

/// How far a rewrite is.
#[derive(Clone, Copy, Debug)]
pub enum RewriteStep {
    /// Blocks that have been read, and all; rows left out until then.
    Copied { blocks: (u32, u32), removed: u64 },
    /// The indexes are about to be rebuilt.
    Indexes,
}

/// Rewrites a heap, which is locked in ACCESS EXCLUSIVE mode and open only here. Its indexes are rebuilt.
///
/// Refuses (55006) a table that this session is using, and one that its transaction has changed; the transaction has to be
/// aborted then. `observe` hears how far it is.
pub fn replace_heap(
    relation: Relation,
    judge: Judge<'_>,
    observe: &mut dyn FnMut(RewriteStep),
) -> Result<Rewritten, Refusal> {
    check_not_in_use(&relation)?;
    let (oid, name) = (relation.oid(), relation.name());
    let class = relation.class();
    let (tablespace, access_method, persistence) =
        (class.reltablespace, class.relam, class.relpersistence);
    let _owner = AsOwner::of(&relation);
    begin_progress(&relation);
    // SAFETY: reads and changes the predicate locks on an open relation (storage/lmgr/predicate.c), by the snapshot of the
    // statement that calls; make_new_heap creates an empty relation with the same columns and storage parameters
    // (commands/cluster.c).
    let new_oid = unsafe {
        if pg_sys::ActiveSnapshotSet() {
            pg_sys::PredicateLockRelation(relation.as_ptr(), pg_sys::GetActiveSnapshot());
        }
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            bindings::CheckTableForSerializableConflictIn(relation.as_ptr());
            bindings::TransferPredicateLocksToHeapRelation(relation.as_ptr());
        });
        drop(relation);
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            let lock = LockMode::AccessExclusive.mode();
            bindings::make_new_heap(oid, tablespace, access_method, persistence, lock)
        })
    };
    let (found, cutoffs, swap_toast_by_content) = fill(oid, new_oid, judge, observe);
    if found.changed_by_us {
        return Err(changed_by_us(&name));
    }
    if let Some(block) = found.damaged {
        return Err(damaged(&name, block));
    }
    observe(RewriteStep::Indexes);
    // SAFETY: both are heaps of this database and closed; the new one is only this transaction's.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            bindings::finish_heap_swap(
                oid,
                new_oid,
                false,
                swap_toast_by_content,
                false,
                true,
                #[cfg(feature = "pg19")]
                true,
                cutoffs.freeze,
                cutoffs.multixact,
                persistence,
            );
        });
        pg_sys::pgstat_progress_end_command();
    }
    count_in_statistics(&open(oid), &found);
    Ok(Rewritten {
        removed: found.removed,
        kept: found.kept,
    })
}

/// Refuses (55006) where a query or a cursor of this session reads the table, or deferred triggers are waiting.
pub fn check_not_in_use(relation: &Relation) -> Result<(), Refusal> {
    refusing(
        "Close the cursors on the table, and let the transaction's triggers run (SET CONSTRAINTS ALL IMMEDIATE), or call it \
         in a transaction of its own.",
        || {
            // SAFETY: looks at the open relation's reference count and at the queue of triggers (commands/tablecmds.c).
            unsafe { pg_sys::CheckTableNotInUse(relation.as_ptr(), c"rewrite".as_ptr()) }
        },
    )
}

fn changed_by_us(name: &str) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
        format!("cannot rewrite \"{name}\" because this transaction has changed it"),
    )
    .hint("Commit first, and call it in a transaction of its own.")
}

fn damaged(name: &str, block: pg_sys::BlockNumber) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        format!("cannot rewrite \"{name}\" because its block {block} is damaged"),
    )
    .detail("Its line pointers lead out of it, or to more than it can hold.")
    .hint("verify_heapam() of the extension amcheck looks through the whole table.")
}

/// Opens a relation that this transaction has locked already.
fn open(oid: pg_sys::Oid) -> Relation {
    Relation::open(oid, LockMode::AccessExclusive).expect("a locked relation is still there")
}

/// Shows the rewrite in pg_stat_progress_cluster, as the VACUUM FULL that it is like.
fn begin_progress(relation: &Relation) {
    // SAFETY: writes to this backend's own entry (utils/activity/backend_progress.c); an abort ends the command.
    unsafe {
        pg_sys::pgstat_progress_start_command(progress::COMMAND_TYPE, relation.oid());
        pg_sys::pgstat_progress_update_param(int(progress::COMMAND), progress::VACUUM_FULL.into());
        pg_sys::pgstat_progress_update_param(int(progress::PHASE), progress::SEQ_SCAN_HEAP.into());
    }
}

/// Copies what is to stay into the new heap. Also says whether the toast tables' contents are to be exchanged, rather than
/// the toast tables: the new heap has none where columns that needed one have been dropped.
fn fill(
    oid: pg_sys::Oid,
    new_oid: pg_sys::Oid,
    judge: Judge<'_>,
    observe: &mut dyn FnMut(RewriteStep),
) -> (Found, Cutoffs, bool) {
    let (old, new) = (open(oid), open(new_oid));
    let (toast, new_toast) = (old.class().reltoastrelid, new.class().reltoastrelid);
    let by_content = toast != pg_sys::InvalidOid && new_toast != pg_sys::InvalidOid;
    // SAFETY: both relations are open until the end of this function. The toast table is locked before the cut-offs are
    // taken: otherwise an autovacuum could remove toasted values of row versions that are to be copied. rd_toastoid makes
    // the new toast pointers name the old toast table, which will have the new contents, and keep their values' oids; it
    // is reset because nobody else may see it.
    unsafe {
        if toast != pg_sys::InvalidOid {
            pg_sys::LockRelationOid(toast, LockMode::AccessExclusive.mode());
        }
        if by_content {
            (*new.as_ptr()).rd_toastoid = toast;
        }
        let cutoffs = cutoffs(&old);
        let has_dropped = old.has_dropped_columns();
        let found = copy(
            old.as_ptr(),
            new.as_ptr(),
            has_dropped,
            judge,
            cutoffs,
            |blocks, removed| observe(RewriteStep::Copied { blocks, removed }),
        );
        (*new.as_ptr()).rd_toastoid = pg_sys::InvalidOid;
        let blocks = new.blocks();
        drop((old, new));
        record_size(new_oid, blocks, &found);
        (found, cutoffs, by_content)
    }
}

/// The cut-offs, as CLUSTER takes them: as much as possible is frozen. They become the table's, and must not go back.
fn cutoffs(relation: &Relation) -> Cutoffs {
    let mut cutoffs = newest_cutoffs(relation);
    let class = relation.class();
    // SAFETY: comparisons (access/transam/transam.c, multixact.c).
    unsafe {
        if class.relfrozenxid != pg_sys::InvalidTransactionId
            && pg_sys::TransactionIdPrecedes(cutoffs.freeze, class.relfrozenxid)
        {
            cutoffs.freeze = class.relfrozenxid;
        }
        if class.relminmxid != NO_MULTIXACT
            && pg_sys::MultiXactIdPrecedes(cutoffs.multixact, class.relminmxid)
        {
            cutoffs.multixact = class.relminmxid;
        }
    }
    cutoffs
}

#[cfg(feature = "pg15")]
fn newest_cutoffs(relation: &Relation) -> Cutoffs {
    let mut cutoffs = Cutoffs {
        oldest_xmin: pg_sys::InvalidTransactionId,
        freeze: pg_sys::InvalidTransactionId,
        multixact: NO_MULTIXACT,
    };
    let mut oldest_multixact = NO_MULTIXACT;
    // SAFETY: the relation is open; ages of 0 freeze all that can be (commands/vacuum.c).
    unsafe {
        pg_sys::vacuum_set_xid_limits(
            relation.as_ptr(),
            0,
            0,
            0,
            0,
            &mut cutoffs.oldest_xmin,
            &mut oldest_multixact,
            &mut cutoffs.freeze,
            &mut cutoffs.multixact,
        );
    }
    cutoffs
}

#[cfg(not(feature = "pg15"))]
fn newest_cutoffs(relation: &Relation) -> Cutoffs {
    // SAFETY: the relation is open; all parameters 0 freeze all that can be (commands/vacuum.c).
    unsafe {
        let parameters: pg_sys::VacuumParams = core::mem::zeroed();
        let mut cutoffs: pg_sys::VacuumCutoffs = core::mem::zeroed();
        pg_sys::vacuum_get_cutoffs(relation.as_ptr(), &parameters, &mut cutoffs);
        Cutoffs {
            oldest_xmin: cutoffs.OldestXmin,
            freeze: cutoffs.FreezeLimit,
            multixact: cutoffs.MultiXactCutoff,
        }
    }
}

/// Writes the new heap's size into its pg_class entry; the swap hands it on.
fn record_size(oid: pg_sys::Oid, blocks: u32, found: &Found) {
    // SAFETY: a copy of the entry, changed and written back as commands/cluster.c does it.
    unsafe {
        let catalog = pg_sys::table_open(pg_sys::RelationRelationId, int(pg_sys::RowExclusiveLock));
        let none = pg_sys::Datum::from(0usize);
        let tuple = pg_sys::SearchSysCacheCopy(
            bindings::RELOID,
            pg_sys::Datum::from(oid),
            none,
            none,
            none,
        );
        assert!(!tuple.is_null(), "the new heap has an entry in pg_class");
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        // As PostgreSQL stores it: the upper half of the numbers is below 0 (catalog/pg_class.h).
        (*class).relpages = blocks.cast_signed();
        (*class).reltuples = (found.kept + found.recently_dead) as f32;
        pg_sys::CatalogTupleUpdate(catalog, &raw mut (*tuple).t_self, tuple);
        pg_sys::heap_freetuple(tuple);
        pg_sys::table_close(catalog, int(pg_sys::RowExclusiveLock));
        pg_sys::CommandCounterIncrement();
    }
}

/// Tells the cumulative statistics: the old rows have gone, and so many are in the new heap, if this commits. So
/// autovacuum finds no dead rows to remove, but comes to set the visibility map and to analyze what is left.
fn count_in_statistics(relation: &Relation, found: &Found) {
    let rel = relation.as_ptr();
    // SAFETY: counters of this backend's for the open relation (utils/activity/pgstat_relation.c); pgstat_info is NULL
    // where nothing is counted.
    unsafe {
        pg_sys::pgstat_count_truncate(rel);
        pg_sys::pgstat_count_heap_insert(rel, number::bigint(found.kept));
        if let Some(status) = (*rel).pgstat_info.as_mut() {
            #[cfg(feature = "pg15")]
            let deleted = &mut status.t_counts.t_tuples_deleted;
            #[cfg(not(feature = "pg15"))]
            let deleted = &mut status.counts.tuples_deleted;
            *deleted += number::bigint(found.removed);
        }
    }
}
