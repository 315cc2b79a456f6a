//! Copying what is to stay from a heap into an empty one, with its visibility information.
//!
//! PostgreSQL's rewriteheap (access/heap/rewriteheap.c) writes the new heap: it carries over who made and who changed
//! each row version and links the versions of a row anew, so that older snapshots go on seeing what they saw. Which row
//! versions it gets is decided in [`super::judge`], by this process or by parallel workers.

use super::super::c::{int, size};
use super::super::{bindings, relation, wal};
use super::chunk::{CHUNK, Chunk, Found, Version};
use super::judge::{Judge, Scan};
use super::team::Team;
use pgrx::pg_sys;

/// What is older than these is dead, or frozen in the new heap.
#[derive(Clone, Copy)]
pub(super) struct Cutoffs {
    pub oldest_xmin: pg_sys::TransactionId,
    pub freeze: pg_sys::TransactionId,
    pub multixact: pg_sys::MultiXactId,
}

/// After how many chunks `observe` is called: 8 MB.
const OBSERVED: u32 = 1024 / CHUNK;

/// Copies everything that is neither dead nor expired. `observe` hears after every few blocks how many have been read,
/// and all, and how many rows have been left out. Where what was found is unusable, so is the new heap.
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
) -> Found {
    let mut all = Found::default();
    let found = &mut all;
    // SAFETY: inside the boundaries there is only plain data; an ERROR leaves pins, workers and memory to the
    // transaction's abort. All that is allocated is in the caller's memory context or below it.
    unsafe {
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork(old, pg_sys::ForkNumber::MAIN_FORKNUM);
        pg_sys::pgstat_progress_update_param(int(super::progress::TOTAL_HEAP_BLKS), blocks.into());
        let scan = Scan::begin(old, judge, cutoffs.oldest_xmin, blocks);
        let writer = Writer::begin(old, new, has_dropped, cutoffs);
        let team = Team::begin(old, judge, cutoffs.oldest_xmin, blocks);
        let own = match team {
            Some(_) => core::ptr::null_mut(),
            None => pg_sys::palloc(size_of::<Chunk>()).cast::<Chunk>(),
        };
        let mut next = 0;
        while next < scan.chunks() && !found.is_unusable() {
            let until = scan.chunks().min(next + OBSERVED);
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                for number in next..until {
                    let chunk = match &team {
                        Some(team) => team.judged(&scan, number),
                        None => {
                            scan.judge(number, own);
                            own
                        }
                    };
                    *found += (*chunk).found;
                    if found.is_unusable() {
                        return;
                    }
                    writer.write_chunk(chunk, found);
                    if let Some(team) = &team {
                        team.written(number);
                    }
                    bindings::pgstat_progress_update_param(
                        int(super::progress::HEAP_BLKS_SCANNED),
                        scan.end_of(number).into(),
                    );
                }
                wal::write_soon();
            });
            next = until;
            observe((scan.end_of(until - 1), blocks), found.removed);
        }
        match team {
            Some(team) => team.end(),
            None => pg_sys::pfree(own.cast()),
        }
        writer.end();
        scan.end();
    }
    all
}

/// The new heap, and how it is written. Plain data, so that it may live inside an FFI boundary.
struct Writer {
    table: pg_sys::Oid,
    old_descriptor: pg_sys::TupleDesc,
    new_descriptor: pg_sys::TupleDesc,
    state: pg_sys::RewriteState,
    /// As many as the table has columns.
    values: *mut pg_sys::Datum,
    nulls: *mut bool,
    /// A column has been dropped: its values are not copied.
    has_dropped: bool,
}

impl Writer {
    /// # Safety
    /// As for [`copy`]; both stay open until `end`.
    unsafe fn begin(
        old: pg_sys::Relation,
        new: pg_sys::Relation,
        has_dropped: bool,
        cutoffs: Cutoffs,
    ) -> Self {
        // SAFETY: as the caller says.
        unsafe {
            let columns = size((*(*old).rd_att).natts);
            Writer {
                table: (*old).rd_id,
                old_descriptor: (*old).rd_att,
                new_descriptor: (*new).rd_att,
                state: pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    bindings::begin_heap_rewrite(
                        old,
                        new,
                        cutoffs.oldest_xmin,
                        cutoffs.freeze,
                        cutoffs.multixact,
                    )
                }),
                values: pg_sys::palloc(columns * size_of::<pg_sys::Datum>()).cast(),
                nulls: pg_sys::palloc(columns).cast(),
                has_dropped,
            }
        }
    }

    /// Writes what is still to be written, and has it reach the disk.
    fn end(self) {
        // SAFETY: `begin` has begun it, in a memory context that is still there.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| bindings::end_heap_rewrite(self.state));
            pg_sys::pfree(self.values.cast());
            pg_sys::pfree(self.nulls.cast());
        }
    }

    /// Hands everything in a chunk to the new heap.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, holding no buffer lock; the chunk is this process's for now, and of the old heap.
    unsafe fn write_chunk(&self, chunk: *mut Chunk, found: &mut Found) {
        let mut position = 0;
        // SAFETY: passed on.
        unsafe {
            while let Some((version, next)) = Chunk::version(chunk, position) {
                position = next;
                bindings::check_for_interrupts();
                if !version.dead {
                    self.write(&version);
                } else if self.is_end_of_chain(&version) {
                    // An older version that was to be kept has turned out to be dead too.
                    found.recently_dead = found.recently_dead.saturating_sub(1);
                }
            }
        }
    }

    fn tuple(&self, version: &Version, header: pg_sys::HeapTupleHeader) -> pg_sys::HeapTupleData {
        pg_sys::HeapTupleData {
            t_len: version.length,
            t_self: version.tid,
            t_tableOid: self.table,
            t_data: header,
        }
    }

    /// Tells the rewrite of a dead row version, and returns whether it gave up an older version of the row for it.
    ///
    /// # Safety
    /// As for `write_chunk`.
    unsafe fn is_end_of_chain(&self, version: &Version) -> bool {
        let mut tuple = self.tuple(version, version.header);
        // SAFETY: the tuple's place and header are read (access/heap/rewriteheap.c).
        unsafe { bindings::rewrite_heap_dead_tuple(self.state, &mut tuple) }
    }

    /// Hands a row version to the new heap. One from before a column was added gets the column's value: the swap forgets
    /// the values that older tuples lack. What a dropped column left behind is dropped.
    ///
    /// # Safety
    /// As for `write_chunk`.
    #[inline(always)]
    unsafe fn write(&self, version: &Version) {
        // SAFETY: rewrite_heap_tuple reads the old tuple's place and header, and writes to the new one, which is therefore
        // the chunk's own, beside a copy of its header. The arrays have room for all columns.
        unsafe {
            let mut header = *version.header.cast::<[u64; 3]>();
            let mut old = self.tuple(version, (&raw mut header).cast());
            let mut new = self.tuple(version, version.header);
            let columns = (*self.old_descriptor).natts;
            let stored = i32::from((*version.header).t_infomask2) & int(pg_sys::HEAP_NATTS_MASK);
            if stored == columns && !self.has_dropped {
                bindings::rewrite_heap_tuple(self.state, &mut old, &mut new);
                return;
            }
            bindings::heap_deform_tuple(&mut new, self.old_descriptor, self.values, self.nulls);
            for index in 0..columns {
                if relation::is_dropped(self.new_descriptor, index) {
                    *self.nulls.add(size(index)) = true;
                }
            }
            let formed = bindings::heap_form_tuple(self.new_descriptor, self.values, self.nulls);
            bindings::rewrite_heap_tuple(self.state, &mut old, formed);
            bindings::heap_freetuple(formed);
        }
    }
}

/// A chunk ends on a multiple of the alignment, so that the 24 bytes of a header can be read where there are 23 of it.
const _: () = assert!(core::mem::offset_of!(pg_sys::HeapTupleHeaderData, t_bits) <= 24);
