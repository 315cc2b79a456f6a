//! A set of tuples of one heap, by their places: one bit for each tuple that a block can hold.

use pgrx::pg_sys;

/// MaxHeapTuplesPerPage of access/htup_details.h, rounded up: a tuple takes a header of 24 bytes and a line pointer of 4.
pub(super) const TUPLES: usize = pg_sys::BLCKSZ as usize / 28;

/// What the bits of one block take: 0.5 % of the block.
const BYTES: usize = TUPLES.div_ceil(8);

/// The set. Holds what was put in; anything beyond its blocks is not in it.
#[derive(Debug, Default)]
pub struct TupleSet(Vec<u8>);

impl TupleSet {
    /// An empty set over so many blocks.
    pub fn new(blocks: u32) -> Self {
        TupleSet(vec![0; blocks as usize * BYTES])
    }

    /// Puts in the tuple that a ctid in its text form names: `(block,offset)`.
    pub fn insert(&mut self, ctid: &str) -> Option<()> {
        let (block, offset) = ctid.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
        let (byte, bit) = place(block.parse().ok()?, offset.parse().ok()?)?;
        *self.0.get_mut(byte)? |= bit;
        Some(())
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
