//! How much of a table's files no row takes: what a table is larger by than its rows.

use super::page::{BLOCK_BYTES, PAGE_HEADER, is_all_visible, item, line_pointers, tuple};
use super::{LockMode, Relation, bindings};
use pgrx::pg_sys;

/// How many pages of a heap are read, about: 4 MB.
const SAMPLE: pg_sys::BlockNumber = 512;

/// The rows on some pages.
#[derive(Clone, Copy, Default)]
struct Sample {
    pages: u32,
    rows: u32,
    /// With their line pointers.
    bytes: usize,
}

/// The fraction of the pages of a heap, and of its toast table, that would be left over if the rows that a new snapshot sees
/// were packed together. By a sample of the pages, in a transaction with a snapshot.
pub fn unused_fraction(heap: &Relation) -> f64 {
    let toast = match heap.class().reltoastrelid {
        pg_sys::InvalidOid => None,
        toast => Relation::open(toast, LockMode::AccessShare),
    };
    let (mut pages, mut needed) = (0.0, 0.0);
    for relation in [Some(heap), toast.as_ref()].into_iter().flatten() {
        let blocks = relation.blocks();
        pages += f64::from(blocks);
        needed += needed_pages(sample(relation, blocks), blocks, fillfactor(relation));
    }
    if pages > 0.0 {
        (1.0 - needed / pages).max(0.0)
    } else {
        0.0
    }
}

/// How many pages the rows need: a page holds as many average rows as fit, and keeps the rest of itself free.
fn needed_pages(sample: Sample, blocks: u32, fillfactor: f64) -> f64 {
    if sample.rows == 0 {
        return 0.0;
    }
    let room = (BLOCK_BYTES - PAGE_HEADER) as f64 * fillfactor;
    let row = sample.bytes as f64 / f64::from(sample.rows);
    let rows_of_page = (room / row).floor().max(1.0);
    f64::from(sample.rows) / rows_of_page * f64::from(blocks) / f64::from(sample.pages)
}

/// The fraction of a page up to which it is filled with new rows.
fn fillfactor(heap: &Relation) -> f64 {
    // SAFETY: NULL, or the parsed options of the open relation, which for a heap and a toast table are of this type
    // (access/common/reloptions.c).
    let options = unsafe {
        (*heap.as_ptr())
            .rd_options
            .cast::<pg_sys::StdRdOptions>()
            .as_ref()
    };
    options.map_or(1.0, |options| f64::from(options.fillfactor) / 100.0)
}

/// Reads pages at even distances.
fn sample(heap: &Relation, blocks: pg_sys::BlockNumber) -> Sample {
    let relation = heap.as_ptr();
    let mut sample = Sample::default();
    let found = &mut sample;
    // SAFETY: the lock on the relation keeps a vacuum from cutting blocks off. Inside the boundary is only plain data, and
    // no page is locked where interrupts are checked; an ERROR leaves lock, pin and strategy to the transaction's abort.
    unsafe {
        let snapshot = pg_sys::GetActiveSnapshot();
        let strategy = pg_sys::GetAccessStrategy(pg_sys::BufferAccessStrategyType::BAS_BULKREAD);
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            for block in (0..blocks).step_by((blocks / SAMPLE).max(1) as usize) {
                bindings::check_for_interrupts();
                read_page(relation, block, strategy, snapshot, found);
            }
        });
        pg_sys::FreeAccessStrategy(strategy);
    }
    sample
}

/// # Safety
/// Inside a `pg_guard_ffi_boundary`, holding no buffer lock; the relation is a heap or a toast table, is open, and has the
/// block.
unsafe fn read_page(
    relation: pg_sys::Relation,
    block: pg_sys::BlockNumber,
    strategy: pg_sys::BufferAccessStrategy,
    snapshot: pg_sys::Snapshot,
    found: &mut Sample,
) {
    // SAFETY: line pointers up to the page's own count; a row's visibility is asked for with the page locked, as a scan
    // does it (access/heap/heapam.c).
    unsafe {
        let buffer = bindings::ReadBufferExtended(
            relation,
            pg_sys::ForkNumber::MAIN_FORKNUM,
            block,
            pg_sys::ReadBufferMode::RBM_NORMAL,
            strategy,
        );
        let page = pg_sys::BufferGetPage(buffer);
        bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_SHARE);
        found.pages += 1;
        let all_visible = is_all_visible(page);
        for index in 0..line_pointers(page) {
            let item = item(page, index);
            if item.lp_flags() != pg_sys::LP_NORMAL {
                continue;
            }
            let Some(mut tuple) = tuple(relation, page, block, index, item) else {
                break;
            };
            if all_visible || bindings::HeapTupleSatisfiesVisibility(&mut tuple, snapshot, buffer) {
                let alignment = pg_sys::MAXIMUM_ALIGNOF as usize;
                found.rows += 1;
                found.bytes += (tuple.t_len as usize).next_multiple_of(alignment)
                    + size_of::<pg_sys::ItemIdData>();
            }
        }
        bindings::LockBuffer(buffer, bindings::BUFFER_LOCK_UNLOCK);
        bindings::ReleaseBuffer(buffer);
    }
}
