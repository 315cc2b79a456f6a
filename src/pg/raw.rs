//! Functions of the server's that are declared here: those that pgrx does not bind, and those that the hot loops call
//! without pgrx's boundary around each single call.
//!
//! Whoever calls one of these does so inside one `pg_guard_ffi_boundary`, whose closure holds only plain data: an ERROR
//! jumps out of it without running a destructor. The signatures are the same in PostgreSQL 15 to 18 (access/heapam.h,
//! access/genam.h, access/htup.h, access/htup_details.h, access/rewriteheap.h, access/xlog.h, commands/cluster.h,
//! storage/bufmgr.h, storage/condition_variable.h, storage/predicate.h, utils/backend_progress.h, catalog/pg_inherits.h,
//! miscadmin.h).

use core::ffi::{c_char, c_int, c_void};
use pgrx::pg_sys;

/// struct RewriteStateData of access/heap/rewriteheap.c, which nobody else looks into.
pub type RewriteState = *mut c_void;

unsafe extern "C-unwind" {
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
    pub fn heap_freetuple(tuple: pg_sys::HeapTuple);
    pub fn heap_deform_tuple(
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    );
    pub fn heap_form_tuple(
        descriptor: pg_sys::TupleDesc,
        values: *mut pg_sys::Datum,
        nulls: *mut bool,
    ) -> pg_sys::HeapTuple;
    pub fn pgstat_progress_update_param(index: c_int, value: i64);
    pub fn PrefetchBuffer(
        relation: pg_sys::Relation,
        fork: pg_sys::ForkNumber::Type,
        block: pg_sys::BlockNumber,
    ) -> pg_sys::PrefetchBufferResult;
    pub fn ReleaseBuffer(buffer: pg_sys::Buffer);
    #[cfg(not(feature = "pg19"))]
    pub fn LockBuffer(buffer: pg_sys::Buffer, mode: c_int);
    #[cfg(feature = "pg19")]
    fn LockBufferInternal(buffer: pg_sys::Buffer, mode: c_int);
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
    ) -> RewriteState;
    pub fn rewrite_heap_tuple(state: RewriteState, old: pg_sys::HeapTuple, new: pg_sys::HeapTuple);
    pub fn rewrite_heap_dead_tuple(state: RewriteState, old: pg_sys::HeapTuple) -> bool;
    pub fn end_heap_rewrite(state: RewriteState);
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
    pub fn ConditionVariableCancelSleep();
    pub fn XLogSetAsyncXactLSN(position: pg_sys::XLogRecPtr);
    pub fn errstart(level: c_int, domain: *const c_char) -> bool;
    pub fn errcode(sqlstate: c_int) -> c_int;
    pub fn errmsg_internal(format: *const c_char, ...) -> c_int;
    pub fn errdetail_internal(format: *const c_char, ...) -> c_int;
    pub fn errhint(format: *const c_char, ...) -> c_int;
    pub fn set_errcontext_domain(domain: *const c_char) -> c_int;
    pub fn errcontext_msg(format: *const c_char, ...) -> c_int;
    pub fn errfinish(file: *const c_char, line: c_int, function: *const c_char);
}

/// LockBuffer() of storage/bufmgr.h, which is an inline function since PostgreSQL 19.
///
/// # Safety
/// As for the function.
#[cfg(feature = "pg19")]
#[allow(non_snake_case)]
#[inline(always)]
pub unsafe fn LockBuffer(buffer: pg_sys::Buffer, mode: c_int) {
    // SAFETY: passed on.
    unsafe {
        if mode == BUFFER_LOCK_UNLOCK {
            UnlockBuffer(buffer);
        } else {
            LockBufferInternal(buffer, mode);
        }
    }
}

/// The modes of LockBuffer().
#[cfg(not(feature = "pg19"))]
pub const BUFFER_LOCK_SHARE: c_int = pg_sys::BUFFER_LOCK_SHARE as c_int;
#[cfg(not(feature = "pg19"))]
pub const BUFFER_LOCK_UNLOCK: c_int = pg_sys::BUFFER_LOCK_UNLOCK as c_int;
#[cfg(feature = "pg19")]
pub const BUFFER_LOCK_SHARE: c_int = pg_sys::BufferLockMode::BUFFER_LOCK_SHARE as c_int;
#[cfg(feature = "pg19")]
pub const BUFFER_LOCK_UNLOCK: c_int = pg_sys::BufferLockMode::BUFFER_LOCK_UNLOCK as c_int;

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
