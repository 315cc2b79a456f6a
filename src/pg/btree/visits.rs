//! Visiting the rows that index entries lead to.

use super::super::c::int;
use super::super::expiry::ExpiryTest;
use super::super::heap::{Deleted, block_of, delete_tuple};
use super::super::{CommandSnapshot, Relation, bindings};
use pgrx::pg_sys;

/// The blocks that sorted index entries lead to, asked for ahead of the visits: so many at a time as the tablespace's
/// `maintenance_io_concurrency` says, as a bitmap heap scan does it (executor/nodeBitmapHeapscan.c). Plain data.
struct ReadAhead {
    /// The next entry whose block has not been asked for.
    next: usize,
    /// The last block that was asked for.
    block: pg_sys::BlockNumber,
    /// Blocks that have been asked for and not visited.
    ahead: i32,
    most: i32,
}

impl ReadAhead {
    fn new(relation: &Relation) -> ReadAhead {
        let tablespace = relation.class().reltablespace;
        ReadAhead {
            next: 0,
            block: pg_sys::InvalidBlockNumber,
            ahead: 0,
            // SAFETY: looks the tablespace up in a cache (utils/cache/spccache.c); 0 is the database's own.
            most: unsafe { pg_sys::get_tablespace_maintenance_io_concurrency(tablespace) },
        }
    }

    /// Asks for the blocks of further entries, below `blocks`, when another block is about to be visited.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the relation is open and has `blocks` blocks; there are `number` entries.
    #[inline(always)]
    unsafe fn another_block(
        &mut self,
        relation: pg_sys::Relation,
        entries: *const pg_sys::ItemPointerData,
        number: usize,
        blocks: pg_sys::BlockNumber,
    ) {
        self.ahead = (self.ahead - 1).max(0);
        while self.ahead < self.most && self.next < number {
            // SAFETY: below `number`.
            let block = unsafe { block_of(entries.add(self.next)) };
            if block >= blocks {
                self.next = number;
            } else {
                self.next += 1;
                if block != self.block {
                    self.block = block;
                    self.ahead += 1;
                    // SAFETY: the block exists; without posix_fadvise() this does nothing (storage/buffer/bufmgr.c).
                    unsafe {
                        bindings::PrefetchBuffer(relation, pg_sys::ForkNumber::MAIN_FORKNUM, block);
                    }
                }
            }
        }
    }
}

/// Visits the rows that the first `number` of sorted index entries lead to, and deletes those that have expired. The
/// blocks of the others may be read ahead.
///
/// # Safety
/// The relation is a heap, open and locked for deletion; the entries come from an index of it, read under this or an
/// earlier snapshot, and are sorted. There are `number` of them at least.
pub(super) unsafe fn delete_entries(
    relation: &Relation,
    command: &CommandSnapshot,
    test: ExpiryTest,
    entries: &[pg_sys::ItemPointerData],
    number: usize,
) -> Deleted {
    let rel = relation.as_ptr();
    let snapshot = command.snapshot();
    let cid = command.command();
    let mut outcome = Deleted::default();
    let counts = &mut outcome;
    let (first, all) = (entries.as_ptr(), entries.len());
    let blocks = relation.blocks();
    let mut read_ahead = ReadAhead::new(relation);
    let read_ahead = &mut read_ahead;
    // SAFETY: only plain data inside. The page is locked only around heap_hot_search_buffer, as
    // heapam_index_fetch_tuple (access/heap/heapam_handler.c) does it: an ERROR in there leaves lock and pin to the
    // transaction's abort. The tuple is read while its page is still pinned.
    unsafe {
        let descriptor = (*rel).rd_att;
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            let mut buffer = int(pg_sys::InvalidBuffer);
            let mut visited = pg_sys::InvalidBlockNumber;
            let mut position = 0;
            while position < number {
                bindings::check_for_interrupts();
                let mut tid = *first.add(position);
                position += 1;
                let block = block_of(&tid);
                // A vacuum may have cut off empty blocks since the entry was collected.
                if block >= blocks {
                    break;
                }
                if block != visited {
                    visited = block;
                    read_ahead.another_block(rel, first, all, blocks);
                }
                buffer = bindings::ReleaseAndReadBuffer(buffer, rel, block);
                let mut tuple = core::mem::MaybeUninit::<pg_sys::HeapTupleData>::uninit();
                bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_SHARE);
                let found = bindings::heap_hot_search_buffer(
                    &mut tid,
                    rel,
                    buffer,
                    snapshot,
                    tuple.as_mut_ptr(),
                    core::ptr::null_mut(),
                    true,
                ) && test.expired(tuple.as_mut_ptr(), descriptor);
                bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_UNLOCK);
                if found {
                    delete_tuple(rel, &mut tid, cid, counts);
                }
            }
            if buffer != int(pg_sys::InvalidBuffer) {
                bindings::ReleaseBuffer(buffer);
            }
        });
    }
    outcome
}
