//! Deleting in the heap without the executor: the storage layer's own `heap_delete`, tuple by tuple.
//!
//! `heap_delete` (access/heap/heapam.c) writes the WAL, the replica identity for logical decoding, the visibility map,
//! the toast table and the statistics' counters by itself. What it does not do, because the executor does it (checks of
//! privileges, triggers, foreign keys, row security, rules), must not be needed for the table: see `table::plan`.

use super::c::int;
use super::expiry::ExpiryTest;
use super::{CommandSnapshot, Relation, bindings, wal};
use pgrx::pg_sys;

/// What became of the expired rows that were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Deleted by this transaction.
    pub deleted: u64,
    /// Left alone, because another transaction was changing them or has changed them since the snapshot.
    pub skipped: u64,
}

impl std::ops::AddAssign for Deleted {
    fn add_assign(&mut self, other: Deleted) {
        self.deleted += other.deleted;
        self.skipped += other.skipped;
    }
}

/// Deletes one tuple, unless another transaction is changing it or has changed it: this never waits.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`, holding no buffer lock; `tid` names a tuple that the command's snapshot sees.
#[inline(always)]
pub(super) unsafe fn delete_tuple(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    command: pg_sys::CommandId,
    outcome: &mut Deleted,
) {
    // SAFETY: passed on.
    let mut result = unsafe { heap_delete(relation, tid, command, false) };
    if result == pg_sys::TM_Result::TM_BeingModified {
        // SAFETY: passed on.
        result = unsafe { delete_locked_tuple(relation, tid, command) };
    }
    match result {
        pg_sys::TM_Result::TM_Ok => {
            outcome.deleted += 1;
            if outcome.deleted.is_multiple_of(WAL_WRITTEN) {
                // SAFETY: passed on.
                unsafe { wal::write_soon() };
            }
        }
        _ => outcome.skipped += 1,
    }
}

/// After how many deleted rows their WAL should be on its way to the disk: 27 kB of it at least, and about 200 kB where
/// pages are logged whole.
const WAL_WRITTEN: u64 = 512;

/// Deletes a tuple that is locked, if only by this transaction itself, or no longer: whoever can get the strongest row
/// lock without waiting has no other locker to wait for in `heap_delete`.
///
/// # Safety
/// As for `delete_tuple`.
#[cold]
unsafe fn delete_locked_tuple(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    command: pg_sys::CommandId,
) -> pg_sys::TM_Result::Type {
    // SAFETY: heap_lock_tuple reads t_self, fills in the rest, and leaves the page pinned but not locked. The tuple
    // cannot have been pruned, because the snapshot sees it.
    unsafe {
        let mut tuple: pg_sys::HeapTupleData = core::mem::zeroed();
        tuple.t_self = *tid;
        let mut buffer = int(pg_sys::InvalidBuffer);
        let mut failure: pg_sys::TM_FailureData = core::mem::zeroed();
        let result = bindings::heap_lock_tuple(
            relation,
            &mut tuple,
            command,
            pg_sys::LockTupleMode::LockTupleExclusive,
            pg_sys::LockWaitPolicy::LockWaitSkip,
            false,
            &mut buffer,
            &mut failure,
        );
        bindings::ReleaseBuffer(buffer);
        if result != pg_sys::TM_Result::TM_Ok {
            return result;
        }
        heap_delete(relation, tid, command, true)
    }
}

/// # Safety
/// As for `delete_tuple`.
#[inline(always)]
unsafe fn heap_delete(
    relation: pg_sys::Relation,
    tid: pg_sys::ItemPointer,
    command: pg_sys::CommandId,
    wait: bool,
) -> pg_sys::TM_Result::Type {
    let mut failure = core::mem::MaybeUninit::<pg_sys::TM_FailureData>::uninit();
    // SAFETY: passed on; the failure data is only written.
    unsafe {
        bindings::heap_delete(
            relation,
            tid,
            command,
            #[cfg(feature = "pg19")]
            0,
            core::ptr::null_mut(),
            wait,
            failure.as_mut_ptr(),
            #[cfg(not(feature = "pg19"))]
            false,
        )
    }
}

/// What one batch may do at most, about.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// Rows deleted; the block in which it is reached is finished.
    pub rows: u64,
    /// Blocks read, whatever is in them.
    pub blocks: u32,
}

impl BatchLimit {
    /// Everything at once.
    pub const NONE: BatchLimit = BatchLimit {
        rows: u64::MAX,
        blocks: u32::MAX,
    };
}

/// After how many blocks `observe` is called: 8 MB, so that a scan is seldom begun anew.
const OBSERVED: u32 = 1024;

/// Where a pass over a heap has got to: block ranges in order, from batch to batch and from transaction to transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapCursor {
    next: pg_sys::BlockNumber,
    end: pg_sys::BlockNumber,
}

impl HeapCursor {
    /// Over the blocks that the heap has now: rows in later ones are newer than the run.
    pub fn new(leaf: &Relation) -> Self {
        HeapCursor {
            next: 0,
            end: leaf.blocks(),
        }
    }

    /// The same, from a block on.
    pub fn from_block(leaf: &Relation, next: u32) -> Self {
        HeapCursor {
            next,
            ..HeapCursor::new(leaf)
        }
    }

    pub fn is_finished(&self) -> bool {
        self.next >= self.end
    }

    /// Blocks that have been read, and all.
    pub fn blocks(&self) -> (u32, u32) {
        (self.next, self.end)
    }

    /// Reads on, and deletes what has expired. `observe` hears after every few blocks how many have been read, and all,
    /// and what has been deleted.
    pub fn delete(
        &mut self,
        leaf: &Relation,
        test: ExpiryTest,
        limit: BatchLimit,
        mut observe: impl FnMut((u32, u32), Deleted),
    ) -> Deleted {
        // A vacuum may have cut off empty blocks since. Where it has cut off the place itself, the pass begins again.
        let blocks = leaf.blocks();
        if blocks < self.next {
            *self = HeapCursor::new(leaf);
        }
        self.end = self.end.min(blocks);
        if self.is_finished() {
            return Deleted::default();
        }
        let command = CommandSnapshot::push();
        let until = self.end.min(self.next.saturating_add(limit.blocks));
        let mut outcome = Deleted::default();
        loop {
            let end = until.min(self.next.saturating_add(OBSERVED));
            let rows = limit.rows - outcome.deleted;
            // SAFETY: the relation is a heap, open and locked, and has the blocks from `next` to `end`.
            let (deleted, next) =
                unsafe { delete_in_blocks(leaf, test, &command, self.next, end, rows) };
            self.next = next;
            outcome += deleted;
            observe(self.blocks(), outcome);
            if next >= until || outcome.deleted >= limit.rows {
                return outcome;
            }
        }
    }
}

/// Deletes what has expired in a range of blocks, and returns the block to go on with.
///
/// # Safety
/// The relation is a heap, open and locked for deletion, and has these blocks.
unsafe fn delete_in_blocks(
    leaf: &Relation,
    test: ExpiryTest,
    command: &CommandSnapshot,
    from: pg_sys::BlockNumber,
    end: pg_sys::BlockNumber,
    limit: u64,
) -> (Deleted, pg_sys::BlockNumber) {
    let rel = leaf.as_ptr();
    let cid = command.command();
    let mut outcome = Deleted::default();
    let mut next = from;
    let (counts, stop) = (&mut outcome, &mut next);
    // SAFETY: the scan takes the predicate lock that SERIALIZABLE needs. Inside the boundary there is only plain data,
    // and no buffer lock is held between the calls: heap_getnext hands out tuples of a page that it has pinned but not
    // locked. An ERROR leaves the scan to the transaction's abort, which releases the pin.
    unsafe {
        let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN
            | pg_sys::ScanOptions::SO_ALLOW_STRAT
            | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
        let scan = pg_sys::heap_beginscan(
            rel,
            command.snapshot(),
            0,
            core::ptr::null_mut(),
            core::ptr::null_mut(),
            flags,
        );
        pg_sys::heap_setscanlimits(scan, from, end - from);
        let descriptor = (*rel).rd_att;
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            loop {
                let tuple =
                    bindings::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
                if tuple.is_null() {
                    break;
                }
                if !test.expired(tuple, descriptor) {
                    continue;
                }
                let tid = &raw mut (*tuple).t_self;
                if counts.deleted >= limit && block_of(tid) > *stop {
                    *stop = block_of(tid);
                    return;
                }
                bindings::check_for_interrupts();
                delete_tuple(rel, tid, cid, counts);
                *stop = block_of(tid);
            }
            *stop = end;
        });
        pg_sys::heap_endscan(scan);
    }
    (outcome, next)
}

/// ItemPointerGetBlockNumber() of storage/itemptr.h.
///
/// # Safety
/// The pointer is valid.
#[inline(always)]
pub(super) unsafe fn block_of(tid: *const pg_sys::ItemPointerData) -> pg_sys::BlockNumber {
    // SAFETY: passed on.
    unsafe { u32::from((*tid).ip_blkid.bi_hi) << 16 | u32::from((*tid).ip_blkid.bi_lo) }
}
