//! What a process that judges the old heap hands to the one that writes the new heap: row versions, copied out of their
//! pages.

use super::super::page::{BLOCK_BYTES, TUPLE_HEADER};
use super::super::tuple_set::TUPLES;
use pgrx::pg_sys;

/// What was found in some blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Expired rows, left out.
    pub removed: u64,
    /// Rows that stay.
    pub kept: u64,
    /// Old row versions that stay, which only older snapshots see.
    pub recently_dead: u64,
    /// This transaction has changed the table, so that nothing is certain: the new heap is of no use.
    pub changed_by_us: bool,
    /// A block's line pointers cannot be: they lead out of it, or to more than it holds.
    pub damaged: Option<pg_sys::BlockNumber>,
}

impl Found {
    pub fn is_unusable(&self) -> bool {
        self.changed_by_us || self.damaged.is_some()
    }
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Found) {
        self.removed += other.removed;
        self.kept += other.kept;
        self.recently_dead += other.recently_dead;
        self.changed_by_us |= other.changed_by_us;
        self.damaged = self.damaged.or(other.damaged);
    }
}

/// How many blocks are judged at a time: 256 kB of them.
pub(super) const CHUNK: pg_sys::BlockNumber = 32;

/// What is kept of a dead row version, in bytes.
#[expect(clippy::cast_possible_truncation, reason = "about twenty")]
const HEADER: u32 = TUPLE_HEADER as u32;

/// What stands before each row version in a chunk.
#[repr(C, align(8))]
struct Entry {
    length: u32,
    tid: pg_sys::ItemPointerData,
    dead: bool,
}

/// As much as a chunk's blocks can come to: in the page a row version takes a line pointer, here an entry.
const ROOM: usize = CHUNK as usize * (BLOCK_BYTES + TUPLES * size_of::<Entry>());

/// The row versions of a chunk of blocks that the new heap has to know, in order, and what was found beside them.
#[repr(C, align(8))]
pub(super) struct Chunk {
    pub found: Found,
    used: usize,
    bytes: [u8; ROOM],
}

/// A row version in a chunk.
pub(super) struct Version {
    /// In the chunk, and such that it may be written to.
    pub header: pg_sys::HeapTupleHeader,
    pub length: u32,
    /// Where it was in the old heap.
    pub tid: pg_sys::ItemPointerData,
    /// Seen by nobody any more; only its header is there.
    pub dead: bool,
}

/// MAXALIGN() of c.h.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize)
}

impl Chunk {
    /// # Safety
    /// The chunk is this process's for now.
    pub unsafe fn clear(this: *mut Chunk) {
        // SAFETY: as the caller says.
        unsafe {
            (*this).found = Found::default();
            (*this).used = 0;
        }
    }

    /// Copies a row version, or the header of a dead one; `false` where there is no room.
    ///
    /// # Safety
    /// As for `clear`; the tuple can be read.
    #[inline(always)]
    pub unsafe fn push(this: *mut Chunk, tuple: &pg_sys::HeapTupleData, dead: bool) -> bool {
        let length = if dead { HEADER } else { tuple.t_len };
        // SAFETY: within the bytes, as is looked at first. `used` is a multiple of the alignment.
        unsafe {
            let begin = (*this).used;
            let end = begin + size_of::<Entry>() + aligned(length as usize);
            if end > ROOM {
                return false;
            }
            let entry = (&raw mut (*this).bytes)
                .cast::<u8>()
                .add(begin)
                .cast::<Entry>();
            entry.write(Entry {
                length,
                tid: tuple.t_self,
                dead,
            });
            let data = entry.add(1).cast::<u8>();
            core::ptr::copy_nonoverlapping(tuple.t_data.cast::<u8>(), data, length as usize);
            (*this).used = end;
        }
        true
    }

    /// The row version at a position, and the position of the next; begins with 0.
    ///
    /// # Safety
    /// As for `clear`; the position is one that this function has returned.
    #[inline(always)]
    pub unsafe fn version(this: *mut Chunk, position: usize) -> Option<(Version, usize)> {
        // SAFETY: `push` has written an entry at each position up to `used`.
        unsafe {
            if position >= (*this).used {
                return None;
            }
            let entry = (&raw mut (*this).bytes)
                .cast::<u8>()
                .add(position)
                .cast::<Entry>();
            let version = Version {
                header: entry.add(1).cast(),
                length: (*entry).length,
                tid: (*entry).tid,
                dead: (*entry).dead,
            };
            let next = position + size_of::<Entry>() + aligned(version.length as usize);
            Some((version, next))
        }
    }
}
