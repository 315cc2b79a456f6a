//! What is on a page of a heap, as storage/bufpage.h has it in macros.

use super::c::short;
use super::tuple_set::TUPLES;
use pgrx::pg_sys;

/// The size of a page.
pub(super) const BLOCK_BYTES: usize = pg_sys::BLCKSZ as usize;

/// The highest number of a row in a page, and one more (storage/off.h, MaxOffsetNumber).
pub const NUMBERS_END: u16 = short(pg_sys::BLCKSZ / 4).cast_unsigned() + 1;

/// What every row version begins with, but for the bits that say which columns are NULL.
pub(super) const TUPLE_HEADER: usize = core::mem::offset_of!(pg_sys::HeapTupleHeaderData, t_bits);

/// SizeOfPageHeaderData.
pub(super) const PAGE_HEADER: usize = core::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);

/// PageGetMaxOffsetNumber().
///
/// # Safety
/// The page is pinned.
#[inline(always)]
pub(super) unsafe fn line_pointers(page: pg_sys::Page) -> usize {
    // SAFETY: every page begins with the header; that of a new page is zero.
    let end = unsafe { (*page.cast::<pg_sys::PageHeaderData>()).pd_lower } as usize;
    (end.saturating_sub(PAGE_HEADER) / size_of::<pg_sys::ItemIdData>()).min(TUPLES)
}

/// PageGetItemId(), counted from 0.
///
/// # Safety
/// The page is pinned and has as many line pointers.
#[inline(always)]
pub(super) unsafe fn item<'p>(page: pg_sys::Page, index: usize) -> &'p pg_sys::ItemIdData {
    // SAFETY: the line pointers follow the header.
    unsafe {
        &*(&raw const (*page.cast::<pg_sys::PageHeaderData>()).pd_linp)
            .cast::<pg_sys::ItemIdData>()
            .add(index)
    }
}

/// PageIsAllVisible(): every tuple on the page is live, for everybody, as heapgetpage() takes it.
///
/// # Safety
/// The page is locked.
#[inline(always)]
pub(super) unsafe fn is_all_visible(page: pg_sys::Page) -> bool {
    // SAFETY: every page begins with the header.
    let flags = unsafe { (*page.cast::<pg_sys::PageHeaderData>()).pd_flags };
    u32::from(flags) & pg_sys::PD_ALL_VISIBLE != 0
}

/// The tuple of a line pointer, counted from 0, by PageGetItem(); `None` where that leads out of the page.
///
/// # Safety
/// The page is one of the relation's, is pinned, and has the line pointer, which is a normal one.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "lengths and numbers are below BLCKSZ; a block number in two halves, as block.h has it"
)]
pub(super) unsafe fn tuple(
    relation: pg_sys::Relation,
    page: pg_sys::Page,
    block: pg_sys::BlockNumber,
    index: usize,
    item: &pg_sys::ItemIdData,
) -> Option<pg_sys::HeapTupleData> {
    let (offset, length) = (item.lp_off() as usize, item.lp_len() as usize);
    if length < TUPLE_HEADER || offset + length > BLOCK_BYTES {
        return None;
    }
    // SAFETY: as the caller says; what the pointer points to ends within the page.
    unsafe {
        let mut tuple: pg_sys::HeapTupleData = core::mem::zeroed();
        tuple.t_len = length as u32;
        tuple.t_tableOid = (*relation).rd_id;
        tuple.t_data = page.add(offset).cast();
        tuple.t_self.ip_blkid.bi_hi = (block >> 16) as u16;
        tuple.t_self.ip_blkid.bi_lo = block as u16;
        tuple.t_self.ip_posid = index as u16 + 1;
        Some(tuple)
    }
}
