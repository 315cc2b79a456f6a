//! Judging a heap with parallel workers: they read and judge the blocks, this process writes the new heap.
//!
//! The table is locked in ACCESS EXCLUSIVE mode for as long as its rows are read, and nobody else can do anything with it:
//! other processors are better used than left idle. There are as many workers as PostgreSQL takes for building an index
//! of the table, by the same settings. Everything is as access/transam/README.parallel has it: workers share this
//! transaction and its locks, and change nothing.
//!
//! The chunks of the heap are judged in order, each by whoever is free, into a ring of slots in shared memory, and are
//! written in order from there, so that the rows keep theirs. A slot is free again when it has been written.

use super::super::c::byte_of;
use super::super::expiry::ExpiryTest;
use super::super::memory::MemoryAside;
use super::super::worker::{LIBRARY, report_activity};
use super::super::{LockMode, Relation, bindings, relation_name};
use super::chunk::{CHUNK, Chunk};
use super::judge::{Judge, Scan};
use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use pgrx::{pg_guard, pg_sys};

/// What a worker runs: [`raw_clear_sessions_judge`].
const ENTRY: &CStr = c"raw_clear_sessions_judge";

/// The keys of what is in shared memory.
const SHARED: u64 = 1;
const SLOTS: u64 = 2;

/// How many slots there are for each process: 400 kB each.
const SLOTS_EACH: u32 = 4;

/// What everybody has to know.
#[repr(C)]
struct Shared {
    /// [`FINGERPRINT`] of who wrote this.
    fingerprint: u64,
    relation: pg_sys::Oid,
    oldest_xmin: pg_sys::TransactionId,
    blocks: pg_sys::BlockNumber,
    slots: u32,
    test: ExpiryTest,
    /// The next chunk that nobody has taken.
    next: AtomicU32,
    /// All chunks before this one have been written.
    written: AtomicU32,
    /// Nothing more is to be judged.
    over: AtomicBool,
    /// A chunk has been judged.
    judged: pg_sys::ConditionVariable,
    /// A slot has become free, or it is over.
    room: pg_sys::ConditionVariable,
}

#[repr(C)]
struct Slot {
    /// The chunk that is in it, judged, counted from 1.
    number: AtomicU32,
    chunk: Chunk,
}

/// Differs between versions of this library: while it is upgraded, a worker may load another one than its leader has.
const FINGERPRINT: u64 = {
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let mut hash = (size_of::<Shared>() + size_of::<Slot>()) as u64;
    let mut index = 0;
    while index < version.len() {
        hash = hash.wrapping_mul(31).wrapping_add(version[index] as u64);
        index += 1;
    }
    hash
};

/// What a participant takes next.
enum Claim {
    Chunk(u32),
    /// There is more, but no slot for it.
    Full,
    Nothing,
}

/// The shared memory as every participant sees it. Plain data, so that it may live inside an FFI boundary.
#[derive(Clone, Copy)]
struct Ring {
    shared: *mut Shared,
    slots: *mut Slot,
}

impl Ring {
    /// # Safety
    /// The shared memory is mapped; so for all the others.
    unsafe fn slot(&self, number: u32) -> *mut Slot {
        // SAFETY: there are so many slots.
        unsafe { self.slots.add((number % (*self.shared).slots) as usize) }
    }

    /// Takes the next chunk.
    unsafe fn claim(&self) -> Claim {
        // SAFETY: what is not atomic does not change.
        unsafe {
            let chunks = (*self.shared).blocks.div_ceil(CHUNK);
            let next = &(*self.shared).next;
            let mut number = next.load(Ordering::Relaxed);
            loop {
                if number >= chunks || (*self.shared).over.load(Ordering::Relaxed) {
                    return Claim::Nothing;
                }
                let written = (*self.shared).written.load(Ordering::Acquire);
                if number >= written.saturating_add((*self.shared).slots) {
                    return Claim::Full;
                }
                match next.compare_exchange_weak(
                    number,
                    number + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Claim::Chunk(number),
                    Err(other) => number = other,
                }
            }
        }
    }

    /// Judges a chunk that has been claimed, which makes its slot this process's.
    ///
    /// # Safety
    /// As for [`Scan::judge`].
    unsafe fn judge(&self, scan: &Scan<'_>, number: u32) {
        // SAFETY: passed on.
        unsafe {
            let slot = self.slot(number);
            scan.judge(number, &raw mut (*slot).chunk);
            (*slot).number.store(number + 1, Ordering::Release);
            bindings::ConditionVariableBroadcast(&raw mut (*self.shared).judged);
        }
    }

    /// What a worker does: judges chunks until there is nothing more to judge.
    ///
    /// # Safety
    /// As for [`Scan::judge`].
    unsafe fn work(&self, scan: &Scan<'_>) {
        // SAFETY: passed on. Nothing is claimed while it sleeps, so that nobody waits for it then.
        unsafe {
            loop {
                bindings::check_for_interrupts();
                match self.claim() {
                    Claim::Chunk(number) => self.judge(scan, number),
                    Claim::Full => bindings::ConditionVariableSleep(
                        &raw mut (*self.shared).room,
                        pg_sys::PG_WAIT_EXTENSION,
                    ),
                    Claim::Nothing => break,
                }
            }
            bindings::ConditionVariableCancelSleep();
        }
    }
}

/// The workers of this process, its transaction being in parallel mode until `end`. An ERROR leaves them to the abort of
/// the transaction or subtransaction.
pub(super) struct Team {
    context: *mut pg_sys::ParallelContext,
    ring: Ring,
}

impl Team {
    /// Starts workers; `None` where the heap is not worth it, or cannot be judged by others: a temporary table's pages are
    /// its session's own, and what has been looked up with SQL is in this process's memory.
    ///
    /// # Safety
    /// As for [`Scan::begin`], until `end`. The transaction has a transaction id and an active snapshot.
    pub unsafe fn begin(
        relation: pg_sys::Relation,
        judge: Judge<'_>,
        oldest_xmin: pg_sys::TransactionId,
        blocks: pg_sys::BlockNumber,
    ) -> Option<Team> {
        let Judge::Column(test) = judge else {
            return None;
        };
        // SAFETY: as commands/vacuumparallel.c and access/nbtree/nbtsort.c do it. Everything in shared memory is written
        // before a worker is launched.
        unsafe {
            let workers = wanted_workers(relation, blocks);
            if workers == 0 {
                return None;
            }
            pg_sys::EnterParallelMode();
            let context = pg_sys::CreateParallelContext(LIBRARY.as_ptr(), ENTRY.as_ptr(), workers);
            let slots = SLOTS_EACH * (workers.unsigned_abs() + 1);
            estimate(context, size_of::<Shared>());
            estimate(context, slots as usize * size_of::<Slot>());
            pg_sys::InitializeParallelDSM(context);
            let ring = Ring {
                shared: allocate(context, SHARED, size_of::<Shared>()).cast(),
                slots: allocate(context, SLOTS, slots as usize * size_of::<Slot>()).cast(),
            };
            ring.shared.write(Shared {
                fingerprint: FINGERPRINT,
                relation: (*relation).rd_id,
                oldest_xmin,
                blocks,
                slots,
                test,
                next: AtomicU32::new(0),
                written: AtomicU32::new(0),
                over: AtomicBool::new(false),
                judged: core::mem::zeroed(),
                room: core::mem::zeroed(),
            });
            pg_sys::ConditionVariableInit(&raw mut (*ring.shared).judged);
            pg_sys::ConditionVariableInit(&raw mut (*ring.shared).room);
            for number in 0..slots {
                (&raw mut (*ring.slot(number)).number).write(AtomicU32::new(0));
            }
            pg_sys::LaunchParallelWorkers(context);
            Some(Team { context, ring })
        }
    }

    /// Waits for a chunk, and judges others meanwhile: itself all of them, where no worker could be started.
    ///
    /// # Safety
    /// As for [`Scan::judge`]. The chunks are asked for in order, and each is given back (`written`) before the next.
    pub unsafe fn judged(&self, scan: &Scan<'_>, number: u32) -> *mut Chunk {
        // SAFETY: passed on. Whoever has claimed the chunk judges it and waits for nobody. If it fails, a check for
        // interrupts raises its ERROR here, also in the sleep.
        unsafe {
            let slot = self.ring.slot(number);
            while (*slot).number.load(Ordering::Acquire) != number + 1 {
                bindings::check_for_interrupts();
                match self.ring.claim() {
                    Claim::Chunk(other) => self.ring.judge(scan, other),
                    Claim::Full | Claim::Nothing => bindings::ConditionVariableSleep(
                        &raw mut (*self.ring.shared).judged,
                        pg_sys::PG_WAIT_EXTENSION,
                    ),
                }
            }
            bindings::ConditionVariableCancelSleep();
            &raw mut (*slot).chunk
        }
    }

    /// Gives a chunk's slot back.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; `judged` has returned it.
    pub unsafe fn written(&self, number: u32) {
        // SAFETY: the shared memory is mapped.
        unsafe {
            (*self.ring.shared)
                .written
                .store(number + 1, Ordering::Release);
            bindings::ConditionVariableBroadcast(&raw mut (*self.ring.shared).room);
        }
    }

    /// Ends the workers, which judge no more.
    pub fn end(self) {
        // SAFETY: as access/transam/README.parallel has it; raises what a worker has failed with.
        unsafe {
            (*self.ring.shared).over.store(true, Ordering::Relaxed);
            pg_sys::ConditionVariableBroadcast(&raw mut (*self.ring.shared).room);
            pg_sys::WaitForParallelWorkersToFinish(self.context);
            pg_sys::DestroyParallelContext(self.context);
            pg_sys::ExitParallelMode();
        }
    }
}

/// How many workers a scan of the heap is worth: what the table's storage parameter `parallel_workers` says, or one, and
/// one more each time that it is three times larger (compute_parallel_worker() of optimizer/path/allpaths.c), but no more
/// than max_parallel_maintenance_workers, as plan_create_index_workers() of optimizer/plan/planner.c has it.
///
/// # Safety
/// The relation is an open table.
unsafe fn wanted_workers(relation: pg_sys::Relation, blocks: pg_sys::BlockNumber) -> c_int {
    // SAFETY: the storage parameters of a table, where it has any, are these (utils/rel.h).
    unsafe {
        if byte_of((*(*relation).rd_rel).relpersistence) == pg_sys::RELPERSISTENCE_TEMP {
            return 0;
        }
        let most = pg_sys::max_parallel_maintenance_workers;
        let options = (*relation).rd_options.cast::<pg_sys::StdRdOptions>();
        if !options.is_null() && (*options).parallel_workers >= 0 {
            return (*options).parallel_workers.min(most);
        }
        let mut threshold = u64::from(pg_sys::min_parallel_table_scan_size.unsigned_abs().max(1));
        let mut workers = 0;
        while u64::from(blocks) >= threshold && workers < most {
            workers += 1;
            threshold *= 3;
        }
        workers
    }
}

/// shm_toc_estimate_chunk() and shm_toc_estimate_keys() of storage/shm_toc.h.
///
/// # Safety
/// The context has not been initialized yet.
unsafe fn estimate(context: *mut pg_sys::ParallelContext, bytes: usize) {
    // SAFETY: plain fields.
    unsafe {
        let estimator = &mut (*context).estimator;
        estimator.space_for_chunks += bytes.next_multiple_of(pg_sys::ALIGNOF_BUFFER as usize);
        estimator.number_of_keys += 1;
    }
}

/// # Safety
/// The context has been initialized, and so much has been estimated.
unsafe fn allocate(
    context: *mut pg_sys::ParallelContext,
    key: u64,
    bytes: usize,
) -> *mut core::ffi::c_void {
    // SAFETY: as the caller says.
    unsafe {
        let address = pg_sys::shm_toc_allocate((*context).toc, bytes);
        pg_sys::shm_toc_insert((*context).toc, key, address);
        address
    }
}

/// A parallel worker: judges what it can get.
#[pg_guard]
#[unsafe(no_mangle)]
extern "C-unwind" fn raw_clear_sessions_judge(
    _segment: *mut pg_sys::dsm_segment,
    toc: *mut pg_sys::shm_toc,
) {
    let _aside = MemoryAside::set();
    // SAFETY: the leader has written what is there, if it is of this version. The lock that the leader has on the table is
    // the group's, so that this one does not wait for it.
    unsafe {
        let shared = pg_sys::shm_toc_lookup(toc, SHARED, false).cast::<Shared>();
        if (*shared).fingerprint != FINGERPRINT {
            return;
        }
        let ring = Ring {
            shared,
            slots: pg_sys::shm_toc_lookup(toc, SLOTS, false).cast(),
        };
        let table = (*shared).relation;
        let Some(relation) = Relation::open(table, LockMode::AccessShare) else {
            return;
        };
        let name = relation_name(table);
        report_activity(Some(&format!(
            "raw_clear_sessions: finding what has expired in {name}"
        )));
        let judge = Judge::Column((*shared).test);
        let scan = Scan::begin(
            relation.as_ptr(),
            judge,
            (*shared).oldest_xmin,
            (*shared).blocks,
        );
        pg_sys::ffi::pg_guard_ffi_boundary(|| ring.work(&scan));
        scan.end();
    }
}
