//! Judging what is in the old heap: which row versions the new heap has to know, block by block.
//!
//! What was found is copied out of the page at once, into a [`Chunk`]: who writes the new heap needs no page of the old
//! one, and may be another process than the one that judged ([`super::team`]).

use super::super::bindings;
use super::super::expiry::ExpiryTest;
use super::super::heap::block_of;
use super::super::page::{is_all_visible, item, line_pointers, tuple};
use super::super::tuple_set::TupleSet;
use super::chunk::{CHUNK, Chunk, Found};
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
                set.contains(block_of(tid), (*tid).ip_posid)
            },
        }
    }
}

/// What to do with a row version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Nothing,
    Copy,
    Dead,
}

/// The old heap, and how it is judged. Plain data, so that it may live inside an FFI boundary.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    relation: pg_sys::Relation,
    descriptor: pg_sys::TupleDesc,
    judge: Judge<'a>,
    oldest_xmin: pg_sys::TransactionId,
    blocks: pg_sys::BlockNumber,
    strategy: pg_sys::BufferAccessStrategy,
}

impl<'a> Scan<'a> {
    /// # Safety
    /// The relation is a heap, which stays open until `end`, and is locked in ACCESS EXCLUSIVE mode by this process or
    /// the leader of its group; it has these blocks.
    pub unsafe fn begin(
        relation: pg_sys::Relation,
        judge: Judge<'a>,
        oldest_xmin: pg_sys::TransactionId,
        blocks: pg_sys::BlockNumber,
    ) -> Self {
        // SAFETY: as the caller says; the strategy is palloc'd.
        unsafe {
            Scan {
                relation,
                descriptor: (*relation).rd_att,
                judge,
                oldest_xmin,
                blocks,
                strategy: pg_sys::GetAccessStrategy(pg_sys::BufferAccessStrategyType::BAS_BULKREAD),
            }
        }
    }

    pub fn end(self) {
        // SAFETY: `begin` has got it, in a memory context that is still there.
        unsafe { pg_sys::FreeAccessStrategy(self.strategy) }
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u32 {
        self.blocks.div_ceil(CHUNK)
    }

    /// Up to which block a chunk goes.
    pub fn end_of(&self, number: u32) -> pg_sys::BlockNumber {
        self.blocks.min((number + 1).saturating_mul(CHUNK))
    }

    /// Judges a chunk, until it turns out that the new heap will be of no use.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, holding no buffer lock; the chunk is this process's for now.
    pub unsafe fn judge(&self, number: u32, chunk: *mut Chunk) {
        // SAFETY: passed on; no buffer is locked between two blocks.
        unsafe {
            Chunk::clear(chunk);
            for block in number * CHUNK..self.end_of(number) {
                bindings::check_for_interrupts();
                self.block(block, chunk);
                if (*chunk).found.is_unusable() {
                    return;
                }
            }
        }
    }

    /// One block: all its row versions are judged, and copied out, under one lock on the page.
    ///
    /// # Safety
    /// As for `judge`; the block exists.
    #[inline]
    unsafe fn block(&self, block: pg_sys::BlockNumber, chunk: *mut Chunk) {
        // SAFETY: line pointers up to the page's own count. HeapTupleSatisfiesVacuum wants the page locked (access/heap/
        // heapam_visibility.c); an ERROR in it leaves lock and pin to the transaction's abort, as it does in a vacuum.
        unsafe {
            let buffer = bindings::ReadBufferExtended(
                self.relation,
                pg_sys::ForkNumber::MAIN_FORKNUM,
                block,
                pg_sys::ReadBufferMode::RBM_NORMAL,
                self.strategy,
            );
            let page = pg_sys::BufferGetPage(buffer);
            bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_SHARE);
            let found = &mut (*chunk).found;
            let all_visible = is_all_visible(page);
            for index in 0..line_pointers(page) {
                let item = item(page, index);
                if item.lp_flags() != pg_sys::LP_NORMAL {
                    continue;
                }
                let Some(mut tuple) = tuple(self.relation, page, block, index, item) else {
                    found.damaged = Some(block);
                    break;
                };
                let visibility = if all_visible {
                    pg_sys::HTSV_Result::HEAPTUPLE_LIVE
                } else {
                    bindings::HeapTupleSatisfiesVacuum(&mut tuple, self.oldest_xmin, buffer)
                };
                let fate = self.fate(&mut tuple, visibility, found);
                if fate != Fate::Nothing && !Chunk::push(chunk, &tuple, fate == Fate::Dead) {
                    found.damaged = Some(block);
                    break;
                }
            }
            bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_UNLOCK);
            bindings::ReleaseBuffer(buffer);
        }
    }

    /// Decides on one row version, and counts it.
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
        found: &mut Found,
    ) -> Fate {
        // SAFETY: passed on.
        unsafe {
            match visibility {
                pg_sys::HTSV_Result::HEAPTUPLE_DEAD => Fate::Dead,
                pg_sys::HTSV_Result::HEAPTUPLE_LIVE => {
                    if self.judge.expired(tuple, self.descriptor) {
                        found.removed += 1;
                        return Fate::Nothing;
                    }
                    found.kept += 1;
                    Fate::Copy
                }
                pg_sys::HTSV_Result::HEAPTUPLE_RECENTLY_DEAD => {
                    let was_updated = !same_place(&(*(*tuple).t_data).t_ctid, &(*tuple).t_self);
                    if !was_updated && self.judge.expired(tuple, self.descriptor) {
                        return Fate::Nothing;
                    }
                    found.recently_dead += 1;
                    Fate::Copy
                }
                // Being inserted or deleted: with the table locked it can only be by this transaction.
                _ => {
                    found.changed_by_us = true;
                    Fate::Nothing
                }
            }
        }
    }
}

/// ItemPointerEquals() of storage/itemptr.h.
#[inline(always)]
fn same_place(a: &pg_sys::ItemPointerData, b: &pg_sys::ItemPointerData) -> bool {
    a.ip_posid == b.ip_posid
        && a.ip_blkid.bi_lo == b.ip_blkid.bi_lo
        && a.ip_blkid.bi_hi == b.ip_blkid.bi_hi
}
