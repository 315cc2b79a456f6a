//! This process: who it is, where it is connected, and what is to happen when it ends.

use core::ffi::{CStr, c_int};
use pgrx::{pg_guard, pg_sys};
use std::cell::RefCell;

pub fn my_pid() -> i32 {
    // SAFETY: set when the process starts.
    unsafe { pg_sys::MyProcPid }
}

pub fn my_database() -> pg_sys::Oid {
    // SAFETY: set when the process connects.
    unsafe { pg_sys::MyDatabaseId }
}

/// The name of the database that this process is connected to. In a transaction.
pub fn my_database_name() -> String {
    // SAFETY: a catalog look-up; the copy is palloc'd and copied again.
    unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() {
            return String::new();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Whether the server is a standby, or still recovering.
pub fn in_recovery() -> bool {
    // SAFETY: reads shared memory.
    unsafe { pg_sys::RecoveryInProgress() }
}

thread_local! {
    static AT_EXIT: RefCell<Vec<fn()>> = const { RefCell::new(Vec::new()) };
}

/// Calls a function when this process ends, by itself or by FATAL; not when it is killed, but then the server makes all
/// shared memory anew. The function only writes shared memory.
pub fn at_exit(function: fn()) {
    AT_EXIT.with_borrow_mut(|functions| {
        if functions.is_empty() {
            // SAFETY: the callback is a function of this library, which is never unloaded.
            unsafe { pg_sys::before_shmem_exit(Some(run_at_exit), pg_sys::Datum::from(0)) }
        }
        functions.push(function);
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn run_at_exit(_code: c_int, _argument: pg_sys::Datum) {
    let functions = AT_EXIT.with_borrow(Vec::clone);
    for function in functions {
        function();
    }
}
