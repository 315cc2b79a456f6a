//! Functions of the server's that are declared here: those that are called without pgrx's boundary around each single call,
//! as the hot loops do it, and those that pgrx does not bind.
//!
//! Whoever calls one of these does so inside one `pg_guard_ffi_boundary`, whose closure holds only plain data: an ERROR
//! jumps out of it without running a destructor. No declaration is taken on trust: the compiler compares it with pgrx's
//! binding (`bound`), or the C compiler with PostgreSQL's header files (`unbound`, build.rs), for the version that is built for.

#[macro_use]
mod bound;

use core::ffi::{c_char, c_int, c_void};
use pgrx::pg_sys;

/// A C enum, of which no value is negative.
pub type TimeoutId = core::ffi::c_uint;
pub type TimeoutHandler = unsafe extern "C-unwind" fn();

/// Declares the functions of `unbound`.
macro_rules! declare {
    ($(fn $name:ident($($parameter:tt)*) -> $result:ty;)*) => {
        unsafe extern "C-unwind" {
            $(pub fn $name($($parameter)*) -> $result;)*
        }
    };
}
include!("bindings/unbound.rs");

bound! {
    pub fn heap_getnext(
        scan: pg_sys::TableScanDesc,
        direction: pg_sys::ScanDirection::Type,
    ) -> pg_sys::HeapTuple;
    #[cfg(not(feature = "pg19"))]
    pub fn heap_delete(
        relation: pg_sys::Relation,
        tid: pg_sys::ItemPointer,
        cid: pg_sys::CommandId,
        crosscheck: pg_sys::Snapshot,
        wait: bool,
        tmfd: *mut pg_sys::TM_FailureData,
        changing_part: bool,
    ) -> pg_sys::TM_Result::Type;
    #[cfg(feature = "pg19")]
    pub fn heap_delete(
        relation: pg_sys::Relation,
        tid: *const pg_sys::ItemPointerData,
        cid: pg_sys::CommandId,
        options: u32,
        crosscheck: pg_sys::Snapshot,
        wait: bool,
        tmfd: *mut pg_sys::TM_FailureData,
    ) -> pg_sys::TM_Result::Type;
    pub fn heap_lock_tuple(
        relation: pg_sys::Relation,
        tuple: pg_sys::HeapTuple,
        cid: pg_sys::CommandId,
        mode: pg_sys::LockTupleMode::Type,
        wait_policy: pg_sys::LockWaitPolicy::Type,
        follow_updates: bool,
        buffer: *mut pg_sys::Buffer,
        tmfd: *mut pg_sys::TM_FailureData,
    ) -> pg_sys::TM_Result::Type;
    pub fn heap_hot_search_buffer(
        tid: pg_sys::ItemPointer,
        relation: pg_sys::Relation,
        buffer: pg_sys::Buffer,
        snapshot: pg_sys::Snapshot,
        tuple: pg_sys::HeapTuple,
        all_dead: *mut bool,
        first_call: bool,
    ) -> bool;
    pub fn nocachegetattr(
        tuple: pg_sys::HeapTuple,
        attnum: c_int,
        descriptor: pg_sys::TupleDesc,
    ) -> pg_sys::Datum;
    pub fn index_getnext_tid(
        scan: pg_sys::IndexScanDesc,
        direction: pg_sys::ScanDirection::Type,
    ) -> pg_sys::ItemPointer;
    pub fn ReleaseAndReadBuffer(
        buffer: pg_sys::Buffer,
        relation: pg_sys::Relation,
        block: pg_sys::BlockNumber,
    ) -> pg_sys::Buffer;
    pub fn ReadBufferExtended(
        relation: pg_sys::Relation,
        fork: pg_sys::ForkNumber::Type,
        block: pg_sys::BlockNumber,
        mode: pg_sys::ReadBufferMode::Type,
        strategy: pg_sys::BufferAccessStrategy,
    ) -> pg_sys::Buffer;
    pub fn HeapTupleSatisfiesVacuum(
        tuple: pg_sys::HeapTuple,
        oldest_xmin: pg_sys::TransactionId,
        buffer: pg_sys::Buffer,
    ) -> pg_sys::HTSV_Result::Type;
    pub fn HeapTupleSatisfiesVisibility(
        tuple: pg_sys::HeapTuple,
        snapshot: pg_sys::Snapshot,
        buffer: pg_sys::Buffer,
    ) -> bool;
    pub fn heap_freetuple(tuple: pg_sys::HeapTuple);
    pub fn heap_deform_tuple(
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
    pub fn heap_form_tuple(
        descriptor: pg_sys::TupleDesc,
        #[cfg(any(feature = "pg15", feature = "pg16"))] values: *mut pg_sys::Datum,
        #[cfg(not(any(feature = "pg15", feature = "pg16")))] values: *const pg_sys::Datum,
        #[cfg(any(feature = "pg15", feature = "pg16"))] nulls: *mut bool,
        #[cfg(not(any(feature = "pg15", feature = "pg16")))] nulls: *const bool,
    ) -> pg_sys::HeapTuple;
    pub fn pgstat_progress_update_param(index: c_int, value: i64);
    pub fn PrefetchBuffer(
        relation: pg_sys::Relation,
        fork: pg_sys::ForkNumber::Type,
        block: pg_sys::BlockNumber,
    ) -> pg_sys::PrefetchBufferResult;
    pub fn ReleaseBuffer(buffer: pg_sys::Buffer);
    #[cfg(not(feature = "pg19"))]
    pub fn LockBuffer(buffer: pg_sys::Buffer, mode: BufferLockMode);
    #[cfg(feature = "pg19")]
    fn LockBufferInternal(buffer: pg_sys::Buffer, mode: BufferLockMode);
    #[cfg(feature = "pg19")]
    fn UnlockBuffer(buffer: pg_sys::Buffer);
    pub fn ProcessInterrupts();
    pub fn find_all_inheritors(
        parent: pg_sys::Oid,
        lockmode: pg_sys::LOCKMODE,
        parents: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;
    pub fn begin_heap_rewrite(
        old: pg_sys::Relation,
        new: pg_sys::Relation,
        oldest_xmin: pg_sys::TransactionId,
        freeze: pg_sys::TransactionId,
        multixact_cutoff: pg_sys::MultiXactId,
    ) -> pg_sys::RewriteState;
    pub fn rewrite_heap_tuple(
        state: pg_sys::RewriteState,
        old: pg_sys::HeapTuple,
        new: pg_sys::HeapTuple,
    );
    pub fn rewrite_heap_dead_tuple(state: pg_sys::RewriteState, old: pg_sys::HeapTuple) -> bool;
    pub fn end_heap_rewrite(state: pg_sys::RewriteState);
    pub fn make_new_heap(
        old: pg_sys::Oid,
        tablespace: pg_sys::Oid,
        access_method: pg_sys::Oid,
        persistence: c_char,
        lock: pg_sys::LOCKMODE,
    ) -> pg_sys::Oid;
    pub fn finish_heap_swap(
        old: pg_sys::Oid,
        new: pg_sys::Oid,
        is_system_catalog: bool,
        swap_toast_by_content: bool,
        check_constraints: bool,
        is_internal: bool,
        #[cfg(feature = "pg19")] reindex: bool,
        frozen_xid: pg_sys::TransactionId,
        cutoff_multi: pg_sys::MultiXactId,
        persistence: c_char,
    );
    pub fn TransferPredicateLocksToHeapRelation(relation: pg_sys::Relation);
    pub fn CheckTableForSerializableConflictIn(relation: pg_sys::Relation);
    pub fn ConditionVariableSleep(variable: *mut pg_sys::ConditionVariable, wait_event: u32);
    pub fn ConditionVariableBroadcast(variable: *mut pg_sys::ConditionVariable);
    #[cfg(feature = "pg15")]
    pub fn ConditionVariableCancelSleep();
    #[cfg(not(feature = "pg15"))]
    pub fn ConditionVariableCancelSleep() -> bool;
    pub fn XLogSetAsyncXactLSN(position: pg_sys::XLogRecPtr);
    pub fn set_errcontext_domain(domain: *const c_char) -> c_int;
    // Signal handlers, which pgrx's boundary is no place for.
    pub fn SignalHandlerForConfigReload(
        signal: c_int,
        #[cfg(feature = "pg19")] info: *const pg_sys::pg_signal_info,
    );
    pub fn SignalHandlerForShutdownRequest(
        signal: c_int,
        #[cfg(feature = "pg19")] info: *const pg_sys::pg_signal_info,
    );
    pub fn die(signal: c_int, #[cfg(feature = "pg19")] info: *const pg_sys::pg_signal_info);
}

/// LockBuffer() of storage/bufmgr.h, which is an inline function since PostgreSQL 19.
///
/// # Safety
/// As for the function.
#[cfg(feature = "pg19")]
#[allow(non_snake_case, reason = "PostgreSQL's name")]
#[inline(always)]
pub unsafe fn LockBuffer(buffer: pg_sys::Buffer, mode: BufferLockMode) {
    // SAFETY: passed on.
    unsafe {
        if mode == BUFFER_LOCK_UNLOCK {
            UnlockBuffer(buffer);
        } else {
            LockBufferInternal(buffer, mode);
        }
    }
}

/// The caches of pg_class, pg_proc and pg_database by oid. An enum of C's, which PostgreSQL 19 has with a type of its own.
#[allow(
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast,
    reason = "an int in C, whatever its type is here"
)]
const CACHES: [c_int; 3] = [
    pg_sys::SysCacheIdentifier::RELOID as c_int,
    pg_sys::SysCacheIdentifier::PROCOID as c_int,
    pg_sys::SysCacheIdentifier::DATABASEOID as c_int,
];
pub const RELOID: c_int = CACHES[0];
pub const PROCOID: c_int = CACHES[1];
pub const DATABASEOID: c_int = CACHES[2];

/// The modes of LockBuffer().
#[cfg(not(feature = "pg19"))]
pub type BufferLockMode = c_int;
#[cfg(feature = "pg19")]
pub type BufferLockMode = pg_sys::BufferLockMode::Type;
#[cfg(not(feature = "pg19"))]
use pg_sys as modes;
#[cfg(feature = "pg19")]
use pg_sys::BufferLockMode as modes;
pub const BUFFER_LOCK_SHARE: BufferLockMode = buffer_lock_mode(modes::BUFFER_LOCK_SHARE);
pub const BUFFER_LOCK_UNLOCK: BufferLockMode = buffer_lock_mode(modes::BUFFER_LOCK_UNLOCK);
#[cfg(not(feature = "pg19"))]
const fn buffer_lock_mode(mode: u32) -> BufferLockMode {
    super::c::int(mode)
}
#[cfg(feature = "pg19")]
const fn buffer_lock_mode(mode: BufferLockMode) -> BufferLockMode {
    mode
}

/// expression_tree_mutator() of nodes/nodeFuncs.h, whose callbacks have no parameters in the header files of PostgreSQL 15.
///
/// # Safety
/// As for the function.
pub unsafe fn expression_tree_mutator(
    node: *mut pg_sys::Node,
    mutator: unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node,
    context: *mut c_void,
) -> *mut pg_sys::Node {
    // SAFETY: the function calls what it is given with these two parameters (nodes/nodeFuncs.c), in every version.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::expression_tree_mutator(
            node,
            Some(core::mem::transmute::<
                unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node,
                unsafe extern "C-unwind" fn() -> *mut pg_sys::Node,
            >(mutator)),
            context,
        );
        #[cfg(not(feature = "pg15"))]
        return pg_sys::expression_tree_mutator_impl(node, Some(mutator), context);
    }
}

/// CHECK_FOR_INTERRUPTS() of miscadmin.h: a cancel, a termination or a timeout becomes an ERROR here.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`, holding no buffer lock.
#[inline(always)]
pub unsafe fn check_for_interrupts() {
    // SAFETY: the flag is written by signal handlers of this same thread; a volatile read sees it.
    unsafe {
        if core::ptr::read_volatile(&raw const pg_sys::InterruptPending) != 0 {
            ProcessInterrupts();
        }
    }
}
