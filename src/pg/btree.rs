//! Deleting through a btree index on the expiry column: cost follows the expired rows, not the table.

mod visits;

use super::c::{int, short};
use super::expiry::ExpiryTest;
use super::heap::{BatchLimit, Deleted};
use super::{CommandSnapshot, Relation, bindings};
use logic::cutoff::Range;
use logic::number;
use pgrx::{PgList, pg_sys};
use visits::delete_entries;

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
