//! A set of tuples of one heap, by their places: one bit for each tuple that a block can hold.

use crate::refusal::{Refusal, enough};
use core::mem::offset_of;
use pgrx::pg_sys;

/// MaxHeapTuplesPerPage of access/htup_details.h: a tuple takes its header, aligned, and a line pointer.
pub(super) const TUPLES: usize = {
    let alignment = pg_sys::MAXIMUM_ALIGNOF as usize;
    let header = offset_of!(pg_sys::HeapTupleHeaderData, t_bits).next_multiple_of(alignment);
    (pg_sys::BLCKSZ as usize - offset_of!(pg_sys::PageHeaderData, pd_linp))
        / (header + size_of::<pg_sys::ItemIdData>())
};

/// What the bits of one block take: 0.5 % of the block.
const BYTES: usize = TUPLES.div_ceil(8);

/// The set. Holds what was put in; anything beyond its blocks is not in it.
#[derive(Debug, Default)]
pub struct TupleSet(Vec<u8>);

impl TupleSet {
    /// An empty set over so many blocks. Refuses (53200) where there is no memory for it.
    pub fn new(blocks: u32) -> Result<Self, Refusal> {
        let bytes = blocks as usize * BYTES;
        let mut set = Vec::new();
        enough(set.try_reserve_exact(bytes))?;
        set.resize(bytes, 0);
        Ok(TupleSet(set))
    }

    /// Puts in a tuple. Allocates nothing, and does not panic.
    pub(super) fn insert(&mut self, block: u32, offset: u16) {
        if let Some((byte, bit)) = place(block, offset)
            && let Some(byte) = self.0.get_mut(byte)
        {
            *byte |= bit;
        }
    }

    /// Whether the tuple is in the set. Does not panic, so that it may be asked inside an FFI boundary.
    #[inline(always)]
    pub(super) fn contains(&self, block: u32, offset: u16) -> bool {
        match place(block, offset) {
            Some((byte, bit)) => self.0.get(byte).is_some_and(|byte| byte & bit != 0),
            None => false,
        }
    }
}

#[inline(always)]
fn place(block: u32, offset: u16) -> Option<(usize, u8)> {
    let tuple = usize::from(offset).checked_sub(1)?;
    (tuple < TUPLES).then_some((block as usize * BYTES + tuple / 8, 1 << (tuple % 8)))
}
