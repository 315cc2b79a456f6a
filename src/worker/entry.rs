//! Where the worker's processes begin: functions that the server looks up in the library by their names.

use super::{database, launcher};
use crate::pg;
use core::ffi::CStr;
use pgrx::{pg_guard, pg_sys};

pub const LAUNCHER: &CStr = c"raw_clear_sessions_launcher";
pub const DATABASE_WORKER: &CStr = c"raw_clear_sessions_worker";

#[pg_guard]
#[unsafe(no_mangle)]
extern "C-unwind" fn raw_clear_sessions_launcher(_argument: pg_sys::Datum) {
    pg::begin_launcher();
    launcher::main();
    pg::end_launcher()
}

#[pg_guard]
#[unsafe(no_mangle)]
extern "C-unwind" fn raw_clear_sessions_worker(argument: pg_sys::Datum) {
    pg::begin_database_worker();
    database::main(argument.value() as u64);
}
