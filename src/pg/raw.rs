//! Functions of the server's that are declared here: those that pgrx does not bind, and those that the hot loops call
//! without pgrx's boundary around each single call.
//!
//! Whoever calls one of these does so inside one `pg_guard_ffi_boundary`, whose closure holds only plain data: an ERROR
//! jumps out of it without running a destructor. The signatures are the same in PostgreSQL 15 to 18 (access/heapam.h,
//! access/genam.h, access/htup_details.h, storage/bufmgr.h, catalog/pg_inherits.h, miscadmin.h).

use core::ffi::c_int;
use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub fn heap_getnext(
        scan: pg_sys::TableScanDesc,
        direction: pg_sys::ScanDirection::Type,
    ) -> pg_sys::HeapTuple;
    pub fn heap_delete(
        relation: pg_sys::Relation,
        tid: pg_sys::ItemPointer,
        cid: pg_sys::CommandId,
        crosscheck: pg_sys::Snapshot,
        wait: bool,
        tmfd: *mut pg_sys::TM_FailureData,
        changing_part: bool,
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
    pub fn ReleaseBuffer(buffer: pg_sys::Buffer);
    pub fn LockBuffer(buffer: pg_sys::Buffer, mode: c_int);
    pub fn ProcessInterrupts();
    pub fn find_all_inheritors(
        parent: pg_sys::Oid,
        lockmode: pg_sys::LOCKMODE,
        parents: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;
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
