//! Copying what is to stay from a heap into an empty one, with its visibility information.
//!
//! PostgreSQL's rewriteheap (access/heap/rewriteheap.c) writes the new heap: it carries over who made and who changed
//! each row version and links the versions of a row anew, so that older snapshots go on seeing what they saw. What is
//! decided here is only which row versions it gets.

use super::expiry::ExpiryTest;
use super::raw;
use super::tuple_set::TupleSet;
use super::wal;
use core::ffi::c_int;
use pgrx::pg_sys;

/// Tells which rows have expired.
#[derive(Clone, Copy)]
pub enum Judge<'a> {
    /// By a stored column.
    Column(ExpiryTest),
    /// They have been looked up.
    Listed(&'a TupleSet),
}

impl Judge<'_> {
    /// # Safety
    /// As for [`ExpiryTest::expired`].
    #[inline(always)]
    unsafe fn expired(&self, tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> bool {
        match self {
            // SAFETY: passed on.
            Judge::Column(test) => unsafe { test.expired(tuple, descriptor) },
            // SAFETY: the tuple's own place.
            Judge::Listed(set) => unsafe {
                let tid = &raw const (*tuple).t_self;
                set.contains(super::heap::block_of(tid), (*tid).ip_posid)
            },
        }
    }
}

/// What is older than these is dead, or frozen in the new heap.
#[derive(Clone, Copy)]
pub(super) struct Cutoffs {
    pub oldest_xmin: pg_sys::TransactionId,
    pub freeze: pg_sys::TransactionId,
    pub multixact: pg_sys::MultiXactId,
}

/// What was copied and what was not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copied {
    /// Expired rows, left out.
    pub removed: u64,
    /// Rows in the new heap.
    pub kept: u64,
    /// Old row versions in the new heap, which only older snapshots see.
    pub recently_dead: u64,
    /// This transaction has changed the table, so that nothing is certain: the new heap is of no use.
    pub changed_by_us: bool,
}

/// More line pointers than a heap's page has: MaxHeapTuplesPerPage of access/htup_details.h, rounded up.
const MAX_OFFSETS: usize = pg_sys::BLCKSZ as usize / 28;

/// What to do with a tuple.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Nothing,
    Copy,
    Dead,
}

/// A copying under way. Plain data, so that it may live inside an FFI boundary.
struct Copy<'a> {
    old: pg_sys::Relation,
    new_descriptor: pg_sys::TupleDesc,
    old_descriptor: pg_sys::TupleDesc,
    judge: Judge<'a>,
    oldest_xmin: pg_sys::TransactionId,
    state: raw::RewriteState,
    /// As many as the table has columns.
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
    /// A column has been dropped: its values are not copied.
    has_dropped: bool,
}

/// After how many blocks somebody hears of it: 8 MB.
const OBSERVED: u32 = 1024;

/// Copies everything that is neither dead nor expired. `observe` hears after every few blocks how many have been read,
/// and all, and how many rows have been left out.
///
/// # Safety
/// Both relations are heaps with the same columns, open and locked in ACCESS EXCLUSIVE mode; the new one is empty.
pub(super) unsafe fn copy(
    old: pg_sys::Relation,
    new: pg_sys::Relation,
    has_dropped: bool,
    judge: Judge<'_>,
    cutoffs: Cutoffs,
    mut observe: impl FnMut((u32, u32), u64),
) -> Copied {
    let mut copied = Copied::default();
    let counts = &mut copied;
    // SAFETY: inside the boundaries there is only plain data; an ERROR leaves pins and memory to the transaction's abort.
    // The arrays, and all that the rewrite allocates, are in the caller's memory context or below it.
    unsafe {
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork(old, pg_sys::ForkNumber::MAIN_FORKNUM);
        pg_sys::pgstat_progress_update_param(
            pg_sys::PROGRESS_CLUSTER_TOTAL_HEAP_BLKS as c_int,
            blocks.into(),
        );
        let columns = (*(*old).rd_att).natts as usize;
        let values = pg_sys::palloc(columns * size_of::<pg_sys::Datum>()).cast();
        let nulls = pg_sys::palloc(columns).cast();
        let strategy = pg_sys::GetAccessStrategy(pg_sys::BufferAccessStrategyType::BAS_BULKREAD);
        let state = pg_sys::ffi::pg_guard_ffi_boundary(|| {
            raw::begin_heap_rewrite(
                old,
                new,
                cutoffs.oldest_xmin,
                cutoffs.freeze,
                cutoffs.multixact,
            )
        });
        let copy = Copy {
            old,
            new_descriptor: (*new).rd_att,
            old_descriptor: (*old).rd_att,
            judge,
            oldest_xmin: cutoffs.oldest_xmin,
            state,
            values,
            nulls,
            has_dropped,
        };
        let mut from = 0;
        while from < blocks && !counts.changed_by_us {
            let until = blocks.min(from.saturating_add(OBSERVED));
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                copy.blocks(from, until, strategy, counts);
                wal::write_soon();
            });
            from = until;
            observe((from, blocks), counts.removed);
        }
        pg_sys::ffi::pg_guard_ffi_boundary(|| raw::end_heap_rewrite(state));
        pg_sys::FreeAccessStrategy(strategy);
        pg_sys::pfree(values.cast());
        pg_sys::pfree(nulls.cast());
    }
    copied
}

impl Copy<'_> {
    /// A range of blocks, until it turns out that the new heap will be of no use.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the blocks exist.
    unsafe fn blocks(
        &self,
        from: pg_sys::BlockNumber,
        until: pg_sys::BlockNumber,
        strategy: pg_sys::BufferAccessStrategy,
        counts: &mut Copied,
    ) {
        for block in from..until {
            // SAFETY: passed on; no buffer is locked between two blocks.
            unsafe {
                raw::check_for_interrupts();
                self.block(block, strategy, counts);
                if counts.changed_by_us {
                    return;
                }
                raw::pgstat_progress_update_param(
                    pg_sys::PROGRESS_CLUSTER_HEAP_BLKS_SCANNED as c_int,
                    i64::from(block) + 1,
                );
            }
        }
    }

    /// One block: all its tuples are judged under one lock on the page, and copied when that is released. The page stays
    /// pinned, and nobody but us can reach it, because the table is locked.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the block exists.
    #[inline]
    unsafe fn block(
        &self,
        block: pg_sys::BlockNumber,
        strategy: pg_sys::BufferAccessStrategy,
        counts: &mut Copied,
    ) {
        let mut fates = [Fate::Nothing; MAX_OFFSETS];
        // SAFETY: line pointers up to the page's own count; LP_NORMAL ones point to a tuple on the page.
        unsafe {
            let buffer = raw::ReadBufferExtended(
                self.old,
                pg_sys::ForkNumber::MAIN_FORKNUM,
                block,
                pg_sys::ReadBufferMode::RBM_NORMAL,
                strategy,
            );
            let page = pg_sys::BufferGetPage(buffer);
            raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as c_int);
            let offsets = line_pointers(page);
            let all_visible = is_all_visible(page);
            for (index, fate) in fates.iter_mut().enumerate().take(offsets) {
                if let Some(mut tuple) = self.tuple(page, block, index) {
                    let visibility = if all_visible {
                        pg_sys::HTSV_Result::HEAPTUPLE_LIVE
                    } else {
                        raw::HeapTupleSatisfiesVacuum(&mut tuple, self.oldest_xmin, buffer)
                    };
                    *fate = self.fate(&mut tuple, visibility, counts);
                }
            }
            raw::LockBuffer(buffer, pg_sys::BUFFER_LOCK_UNLOCK as c_int);
            if counts.changed_by_us {
                raw::ReleaseBuffer(buffer);
                return;
            }
            for (index, fate) in fates.iter().enumerate().take(offsets) {
                if *fate == Fate::Nothing {
                    continue;
                }
                let Some(mut tuple) = self.tuple(page, block, index) else {
                    continue;
                };
                if *fate == Fate::Copy {
                    self.copy(&mut tuple);
                } else if raw::rewrite_heap_dead_tuple(self.state, &mut tuple) {
                    // An older version that was to be kept has turned out to be dead too.
                    counts.recently_dead = counts.recently_dead.saturating_sub(1);
                }
            }
            raw::ReleaseBuffer(buffer);
        }
    }

    /// The tuple of a line pointer, counted from 0, where there is one.
    ///
    /// # Safety
    /// The page is pinned and has the line pointer.
    #[inline(always)]
    unsafe fn tuple(
        &self,
        page: pg_sys::Page,
        block: pg_sys::BlockNumber,
        index: usize,
    ) -> Option<pg_sys::HeapTupleData> {
        // SAFETY: PageGetItemId() and PageGetItem() of storage/bufpage.h.
        unsafe {
            let header = page.cast::<pg_sys::PageHeaderData>();
            let item = &*(&raw const (*header).pd_linp)
                .cast::<pg_sys::ItemIdData>()
                .add(index);
            if item.lp_flags() != pg_sys::LP_NORMAL {
                return None;
            }
            let mut tuple: pg_sys::HeapTupleData = core::mem::zeroed();
            tuple.t_len = item.lp_len();
            tuple.t_tableOid = (*self.old).rd_id;
            tuple.t_data = page.add(item.lp_off() as usize).cast();
            tuple.t_self.ip_blkid.bi_hi = (block >> 16) as u16;
            tuple.t_self.ip_blkid.bi_lo = block as u16;
            tuple.t_self.ip_posid = index as u16 + 1;
            Some(tuple)
        }
    }

    /// Decides on one tuple, and counts it.
    ///
    /// A row whose latest version has expired vanishes, for older snapshots too, as TRUNCATE does it. An old version of a
    /// row is kept for those snapshots, unless it has expired and the row was deleted: if it was updated instead, the row
    /// may live, and who sees only its old version must not lose it.
    ///
    /// # Safety
    /// The page is locked.
    #[inline(always)]
    unsafe fn fate(
        &self,
        tuple: pg_sys::HeapTuple,
        visibility: pg_sys::HTSV_Result::Type,
        counts: &mut Copied,
    ) -> Fate {
        // SAFETY: passed on.
        unsafe {
            match visibility {
                pg_sys::HTSV_Result::HEAPTUPLE_DEAD => Fate::Dead,
                pg_sys::HTSV_Result::HEAPTUPLE_LIVE => {
                    if self.judge.expired(tuple, self.old_descriptor) {
                        counts.removed += 1;
                        return Fate::Nothing;
                    }
                    counts.kept += 1;
                    Fate::Copy
                }
                pg_sys::HTSV_Result::HEAPTUPLE_RECENTLY_DEAD => {
                    let was_updated = !same_place(&(*(*tuple).t_data).t_ctid, &(*tuple).t_self);
                    if !was_updated && self.judge.expired(tuple, self.old_descriptor) {
                        return Fate::Nothing;
                    }
                    counts.recently_dead += 1;
                    Fate::Copy
                }
                // Being inserted or deleted: with the table locked it can only be by this transaction.
                _ => {
                    counts.changed_by_us = true;
                    Fate::Nothing
                }
            }
        }
    }

    /// Hands a copy of the tuple to the new heap. A tuple from before a column was added gets the column's value: the
    /// swap forgets the values that older tuples lack. What a dropped column left behind is dropped.
    ///
    /// # Safety
    /// The page is pinned; not locked, because the copy may be toasted.
    #[inline(always)]
    unsafe fn copy(&self, tuple: pg_sys::HeapTuple) {
        // SAFETY: the arrays have room for all columns; the copy is a separate one, which rewrite_heap_tuple writes to.
        unsafe {
            let columns = (*self.old_descriptor).natts;
            let stored = i32::from((*(*tuple).t_data).t_infomask2) & pg_sys::HEAP_NATTS_MASK as i32;
            let copy = if stored == columns && !self.has_dropped {
                raw::heap_copytuple(tuple)
            } else {
                raw::heap_deform_tuple(tuple, self.old_descriptor, self.values, self.nulls);
                for index in 0..columns {
                    if super::relation::is_dropped(self.new_descriptor, index) {
                        *self.nulls.add(index as usize) = true;
                    }
                }
                raw::heap_form_tuple(self.new_descriptor, self.values, self.nulls)
            };
            raw::rewrite_heap_tuple(self.state, tuple, copy);
            raw::heap_freetuple(copy);
        }
    }
}

/// PageGetMaxOffsetNumber() of storage/bufpage.h.
///
/// # Safety
/// The page is pinned.
#[inline(always)]
unsafe fn line_pointers(page: pg_sys::Page) -> usize {
    let start = core::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);
    // SAFETY: every page begins with the header; that of a new page is zero.
    let end = unsafe { (*page.cast::<pg_sys::PageHeaderData>()).pd_lower } as usize;
    (end.saturating_sub(start) / size_of::<pg_sys::ItemIdData>()).min(MAX_OFFSETS)
}

/// PageIsAllVisible() of storage/bufpage.h: every tuple on the page is live, for everybody, as heapgetpage() takes it.
///
/// # Safety
/// The page is locked.
#[inline(always)]
unsafe fn is_all_visible(page: pg_sys::Page) -> bool {
    // SAFETY: every page begins with the header.
    let flags = unsafe { (*page.cast::<pg_sys::PageHeaderData>()).pd_flags };
    u32::from(flags) & pg_sys::PD_ALL_VISIBLE != 0
}

/// ItemPointerEquals() of storage/itemptr.h.
#[inline(always)]
fn same_place(a: &pg_sys::ItemPointerData, b: &pg_sys::ItemPointerData) -> bool {
    a.ip_posid == b.ip_posid
        && a.ip_blkid.bi_lo == b.ip_blkid.bi_lo
        && a.ip_blkid.bi_hi == b.ip_blkid.bi_hi
}
