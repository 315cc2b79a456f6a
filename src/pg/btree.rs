//! Deleting through a btree index on the expiry column: cost follows the expired rows, not the table.

use super::c::{int, short};
use super::expiry::ExpiryTest;
use super::heap::{BatchLimit, Deleted, block_of, delete_tuple};
use super::{CommandSnapshot, Relation, bindings};
use logic::cutoff::Range;
use logic::number;
use pgrx::{PgList, pg_sys};

/// How many index entries are collected before the heap is visited: 96 kB of them. Sorted by block, so that each heap
/// page is visited once for all of its expired rows among them.
const ENTRIES: usize = 16 * 1024;

/// A btree index whose first column is the expiry column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BtreeIndex {
    pub oid: pg_sys::Oid,
    pub name: String,
}

impl BtreeIndex {
    /// The table's indexes that can be used here: valid, complete (not partial), btree, on the column itself first, in
    /// the type's own order.
    pub fn on_column(relation: &Relation, attnum: i16) -> Vec<BtreeIndex> {
        // SAFETY: the list of oids is a copy (utils/cache/relcache.c); each index is there as long as its table is
        // locked, and is closed again before the next.
        unsafe {
            let list =
                PgList::<pg_sys::Oid>::from_pg(pg_sys::RelationGetIndexList(relation.as_ptr()));
            list.iter_oid()
                .filter_map(|oid| {
                    let index = Index::open(oid);
                    index.serves(attnum).then(|| BtreeIndex {
                        oid,
                        name: index.name(),
                    })
                })
                .collect()
        }
    }
}

/// An open index.
struct Index(pg_sys::Relation);

impl Index {
    fn open(oid: pg_sys::Oid) -> Index {
        // SAFETY: the table that the index belongs to is locked.
        Index(unsafe { pg_sys::index_open(oid, int(pg_sys::AccessShareLock)) })
    }

    fn name(&self) -> String {
        // SAFETY: the index is open.
        unsafe { super::name::shown(&(*(*self.0).rd_rel).relname) }
    }

    fn serves(&self, attnum: i16) -> bool {
        // SAFETY: rd_index and rd_opfamily are set for every open index (utils/rel.h).
        unsafe {
            let index = &*(*self.0).rd_index;
            index.indisvalid
                && index.indislive
                && (*(*self.0).rd_rel).relam == pg_sys::BTREE_AM_OID
                && *index.indkey.values.as_ptr() == attnum
                && pg_sys::RelationGetIndexPredicate(self.0).is_null()
                && ORDER_OF_TYPES.contains(&u32::from(*(*self.0).rd_opfamily))
        }
    }

    /// The direction in which the first column's values rise.
    fn ascending(&self) -> pg_sys::ScanDirection::Type {
        // SAFETY: rd_indoption is set for every open index.
        let option = unsafe { *(*self.0).rd_indoption };
        if option & short(pg_sys::INDOPTION_DESC) != 0 {
            pg_sys::ScanDirection::BackwardScanDirection
        } else {
            pg_sys::ScanDirection::ForwardScanDirection
        }
    }

    /// The comparison of the column's type in this index, for a scan key.
    fn procedure(&self, strategy: u32) -> pg_sys::RegProcedure {
        // SAFETY: as above; the families are PostgreSQL's own, so that each operator exists.
        unsafe {
            let input_type = *(*self.0).rd_opcintype;
            let operator = pg_sys::get_opfamily_member(
                *(*self.0).rd_opfamily,
                input_type,
                input_type,
                short(strategy),
            );
            pg_sys::get_opcode(operator)
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: gives back the reference that `open` took, and not the lock.
            unsafe { pg_sys::index_close(self.0, int(pg_sys::NoLock)) }
        }
    }
}

/// The operator families datetime_ops, integer_ops and float_ops, in which the types that the raw engine knows have
/// their usual order (catalog/pg_opfamily.dat).
const ORDER_OF_TYPES: [u32; 3] = [434, 1976, 1970];

/// Where a pass through an index has got to: collected entries that have not been visited yet, and the value up to which
/// entries have been collected. Entries of deleted rows stay in the index until it is vacuumed; those below that value are
/// not walked again.
///
/// Holds across transactions. An entry is only a hint by then: the row that it leads to is looked at anew, under a new
/// snapshot, whatever has become of it.
#[derive(Debug)]
pub struct IndexCursor {
    entries: Vec<pg_sys::ItemPointerData>,
    /// The next entry to visit.
    position: usize,
    /// The lower end of what is still to be collected: the bits of a datum.
    from: usize,
    /// The same, when the entries at hand were collected.
    entries_from: usize,
    below: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There may be more to collect.
    More,
    /// All entries have been collected.
    Collected,
    /// More entries have the same value than are collected at once: the index leads no further.
    Stuck,
}

impl IndexCursor {
    /// Over the part of the index with expired values.
    pub fn new(base_type: pg_sys::Oid, range: Range) -> Self {
        let (from, below, state) = match bounds(base_type, range) {
            Some((from, below)) => (from.value(), below.value(), State::More),
            None => (0, 0, State::Collected),
        };
        IndexCursor {
            entries: Vec::new(),
            position: 0,
            from,
            entries_from: from,
            below,
            state,
        }
    }

    /// The same, from a value on: what [`IndexCursor::value`] has returned.
    pub fn from_value(base_type: pg_sys::Oid, range: Range, value: u64) -> Self {
        let mut cursor = IndexCursor::new(base_type, range);
        if cursor.state == State::More {
            cursor.from = number::size(value);
        }
        cursor
    }

    /// The value, as the bits of a datum, below which all entries have been visited.
    pub fn value(&self) -> u64 {
        let is_done = self.position == self.entries.len();
        (if is_done {
            self.from
        } else {
            self.entries_from
        }) as u64
    }

    pub fn is_finished(&self) -> bool {
        self.state == State::Collected && self.position == self.entries.len()
    }

    /// The index leads no further, though there may be more expired rows: the rest is for a pass over the heap.
    pub fn is_stuck(&self) -> bool {
        self.state == State::Stuck && self.position == self.entries.len()
    }

    /// Visits rows, and deletes those that have expired: all that are left, or until the limit is reached.
    ///
    /// `test` was made with the same range. Collects more entries when those at hand have been visited. `observe` hears
    /// now and then what has been deleted.
    pub fn delete(
        &mut self,
        leaf: &Relation,
        index: &BtreeIndex,
        test: ExpiryTest,
        limit: BatchLimit,
        mut observe: impl FnMut(Deleted),
    ) -> Deleted {
        let command = CommandSnapshot::push();
        let mut outcome = Deleted::default();
        // Each visit may be one to another block.
        let mut visits = u64::from(limit.blocks);
        while outcome.deleted < limit.rows && visits > 0 {
            if self.position == self.entries.len() {
                if self.state != State::More {
                    break;
                }
                self.collect(leaf, index, &command);
                continue;
            }
            let room = number::size(visits.min(limit.rows - outcome.deleted));
            let until = self.entries.len().min(self.position + room);
            if limit.blocks < u32::MAX {
                visits -= (until - self.position) as u64;
            }
            let entries = &self.entries[self.position..];
            // SAFETY: the entries come from an index of this relation, `until` is not beyond their end.
            outcome +=
                unsafe { delete_entries(leaf, &command, test, entries, until - self.position) };
            self.position = until;
            observe(outcome);
        }
        outcome
    }

    /// Collects the next entries, sorted by block.
    fn collect(&mut self, leaf: &Relation, index: &BtreeIndex, command: &CommandSnapshot) {
        let index = Index::open(index.oid);
        let before = self.from;
        self.entries_from = before;
        self.position = 0;
        self.entries.clear();
        self.entries
            .resize(ENTRIES, pg_sys::ItemPointerData::default());
        // SAFETY: the keys are of the index's input type, and live until index_rescan has copied them.
        let count = unsafe {
            let scan = begin_scan(leaf, &index, command);
            // The scan hands out the index tuples too, for the last one's value.
            (*scan).xs_want_itup = true;
            let mut keys: [pg_sys::ScanKeyData; 2] = core::mem::zeroed();
            for (key, strategy, bound) in [
                (0, pg_sys::BTGreaterEqualStrategyNumber, self.from),
                (1, pg_sys::BTLessStrategyNumber, self.below),
            ] {
                let procedure = index.procedure(strategy);
                pg_sys::ScanKeyInit(
                    &mut keys[key],
                    1,
                    short(strategy).cast_unsigned(),
                    procedure,
                    bound.into(),
                );
            }
            pg_sys::index_rescan(scan, keys.as_mut_ptr(), 2, core::ptr::null_mut(), 0);
            let count = fill(scan, index.ascending(), &mut self.entries);
            if count == ENTRIES {
                self.from = first_value((*scan).xs_itup, (*index.0).rd_att);
            }
            pg_sys::index_endscan(scan);
            count
        };
        self.state = if count < ENTRIES {
            State::Collected
        } else if self.from == before {
            State::Stuck
        } else {
            State::More
        };
        self.entries.truncate(count);
        self.entries.sort_unstable_by_key(|entry| {
            (entry.ip_blkid.bi_hi, entry.ip_blkid.bi_lo, entry.ip_posid)
        });
    }
}

/// The value of an index tuple's first column, which is not NULL.
///
/// # Safety
/// The tuple is one of an index with this descriptor, and its first column is of fixed width.
unsafe fn first_value(tuple: pg_sys::IndexTuple, descriptor: pg_sys::TupleDesc) -> usize {
    // SAFETY: as the caller says (access/common/indextuple.c).
    unsafe { pg_sys::nocache_index_getattr(tuple, 1, descriptor).value() }
}

/// The range as datums of the column's type, cut to what the type can hold; `None` where nothing in it can expire.
fn bounds(base_type: pg_sys::Oid, range: Range) -> Option<(pg_sys::Datum, pg_sys::Datum)> {
    let (from, below) = match range {
        Range::Float { from, below } => {
            return Some((from.to_bits().into(), below.to_bits().into()));
        }
        Range::Integer { from, below } => (from, below),
    };
    let (least, greatest) = match base_type {
        pg_sys::INT4OID | pg_sys::DATEOID => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    if from > greatest || below < least {
        return None;
    }
    Some((from.max(least).into(), below.min(greatest).into()))
}

#[cfg(not(any(feature = "pg18", feature = "pg19")))]
unsafe fn begin_scan(
    relation: &Relation,
    index: &Index,
    command: &CommandSnapshot,
) -> pg_sys::IndexScanDesc {
    // SAFETY: both are open, the snapshot is active until the scan has ended.
    unsafe { pg_sys::index_beginscan(relation.as_ptr(), index.0, command.snapshot(), 2, 0) }
}

/// PostgreSQL 18 counts index searches for EXPLAIN, where EXPLAIN asks for it.
#[cfg(any(feature = "pg18", feature = "pg19"))]
unsafe fn begin_scan(
    relation: &Relation,
    index: &Index,
    command: &CommandSnapshot,
) -> pg_sys::IndexScanDesc {
    let instrument = core::ptr::null_mut();
    // SAFETY: both are open, the snapshot is active until the scan has ended.
    unsafe {
        pg_sys::index_beginscan(
            relation.as_ptr(),
            index.0,
            command.snapshot(),
            instrument,
            2,
            0,
            #[cfg(feature = "pg19")]
            pg_sys::ScanOptions::SO_NONE,
        )
    }
}

/// Fills the buffer with the scan's first entries, lowest values first, and returns how many there were.
///
/// # Safety
/// The scan has been given its keys. It is not asked for more after its end, where it would begin again.
unsafe fn fill(
    scan: pg_sys::IndexScanDesc,
    direction: pg_sys::ScanDirection::Type,
    entries: &mut [pg_sys::ItemPointerData],
) -> usize {
    let mut count = 0;
    let filled = &mut count;
    let room = entries.len();
    let first = entries.as_mut_ptr();
    // SAFETY: `filled` stays below `room`. Only plain data inside; index_getnext_tid returns with no page locked.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            while *filled < room {
                bindings::check_for_interrupts();
                let tid = bindings::index_getnext_tid(scan, direction);
                if tid.is_null() {
                    break;
                }
                *first.add(*filled) = *tid;
                *filled += 1;
            }
        });
    }
    count
}

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
unsafe fn delete_entries(
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
