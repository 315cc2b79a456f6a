//! Reading a table into memory, so that whoever locks it next finds it there.
//!
//! Nothing that is read here is looked at: it only makes the blocks come from memory when they are read again, under the
//! lock. The table may be changed, rewritten or dropped meanwhile.

use super::bindings;
use super::c::int;
use core::ops::ControlFlow;
use pgrx::pg_sys;

/// For how many blocks (8 MB) the table is locked at a time, in ACCESS SHARE mode: who wants to alter it gets his lock
/// in between.
const BLOCKS: u32 = 1024;

/// How many blocks the system's cache takes, as the setting effective_cache_size has it.
pub fn cached_blocks() -> u32 {
    // SAFETY: a setting of this process, at least 1 (optimizer/cost.h).
    unsafe { pg_sys::effective_cache_size }.unsigned_abs()
}

/// Locks a relation in ACCESS SHARE mode, unless that would have to be waited for.
pub fn try_lock_to_read(oid: pg_sys::Oid) -> bool {
    // SAFETY: a lock of this transaction's, on whatever has the oid.
    unsafe { pg_sys::ConditionalLockRelationOid(oid, int(pg_sys::AccessShareLock)) }
}

/// Reads the blocks of a table from the first on, no more than these, through a few buffers, as a sequential scan of a large
/// table does: they stay in the operating system's cache, and push nothing else out of the server's. Waits for no lock: it
/// ends where it would have to. `observe` is called after every few. Returns how many were read.
pub fn warm(oid: pg_sys::Oid, most: u32, observe: &mut dyn FnMut((u32, u32))) -> u32 {
    let mut next = 0;
    while let ControlFlow::Continue(blocks) = warm_some(oid, next, most) {
        next = blocks.min(next + BLOCKS);
        observe((next, blocks));
        if next >= blocks {
            break;
        }
    }
    next
}

/// Reads the next few, and returns how many there are to be read in all.
fn warm_some(oid: pg_sys::Oid, from: u32, most: u32) -> ControlFlow<(), u32> {
    let lock = int(pg_sys::AccessShareLock);
    // SAFETY: the lock is taken before the relation is opened, and given back when it has been closed: no lock is left
    // that a stronger one would have to wait behind. A file that has become shorter than it was is not read beyond its end, as
    // its length is asked for under the lock. An ERROR leaves lock, relation and pins to the transaction's abort.
    unsafe {
        if !try_lock_to_read(oid) {
            return ControlFlow::Break(());
        }
        let relation = pg_sys::try_relation_open(oid, int(pg_sys::NoLock));
        if relation.is_null() {
            pg_sys::UnlockRelationOid(oid, lock);
            return ControlFlow::Break(());
        }
        let fork = pg_sys::ForkNumber::MAIN_FORKNUM;
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork(relation, fork).min(most);
        let strategy = pg_sys::GetAccessStrategy(pg_sys::BufferAccessStrategyType::BAS_BULKREAD);
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            for block in from..blocks.min(from.saturating_add(BLOCKS)) {
                bindings::check_for_interrupts();
                let mode = pg_sys::ReadBufferMode::RBM_NORMAL;
                let buffer = bindings::ReadBufferExtended(relation, fork, block, mode, strategy);
                bindings::ReleaseBuffer(buffer);
            }
        });
        pg_sys::FreeAccessStrategy(strategy);
        pg_sys::relation_close(relation, lock);
        ControlFlow::Continue(blocks)
    }
}
