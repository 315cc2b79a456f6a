//! Messages that are no ERROR: to the server's log, or to the client.

use super::raw;
use core::ffi::{CStr, c_int};
use core::ptr;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgLogLevel, pg_sys};
use std::ffi::CString;

/// A line of the server's log.
pub fn log(message: &str, detail: Option<&str>, hint: Option<&str>) {
    log_with_sqlstate(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message,
        detail,
        hint,
    );
}

/// A line of the server's log about an error that was caught.
pub fn log_with_sqlstate(
    sqlstate: PgSqlErrorCode,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) {
    report(sqlstate, PgLogLevel::LOG, message, detail, hint);
}

/// A NOTICE to the client.
pub fn notice(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        PgLogLevel::NOTICE,
        message,
        detail,
        hint,
    );
}

/// The end of a NOTICE checks for interrupts (utils/error/elog.c, errfinish), and anything here may run out of memory: the
/// ERROR must not jump over a Rust frame, as it would from pgrx's own report.
fn report(
    sqlstate: PgSqlErrorCode,
    level: PgLogLevel,
    message: &str,
    detail: Option<&str>,
    hint: Option<&str>,
) {
    let c_text = |text: &str| CString::new(text.replace('\0', "")).unwrap_or_default();
    let message = c_text(message);
    let (detail, hint) = (detail.map(c_text), hint.map(c_text));
    let pointer = |text: &Option<CString>| text.as_deref().map_or(ptr::null(), CStr::as_ptr);
    let (message, detail, hint) = (message.as_ptr(), pointer(&detail), pointer(&hint));
    // SAFETY: what ereport() of utils/elog.h does. The texts live in this frame, outside of the boundary, and are copied;
    // they are arguments, not formats.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            if !raw::errstart(level as c_int, ptr::null()) {
                return;
            }
            raw::errcode(sqlstate as c_int);
            raw::errmsg_internal(c"%s".as_ptr(), message);
            if !detail.is_null() {
                raw::errdetail_internal(c"%s".as_ptr(), detail);
            }
            if !hint.is_null() {
                raw::errhint(c"%s".as_ptr(), hint);
            }
            raw::errfinish(
                c"log.rs".as_ptr(),
                line!() as c_int,
                c"raw_clear_sessions".as_ptr(),
            );
        });
    }
}

/// The five characters of an SQLSTATE: six bits each, the first in the lowest (utils/elog.h, MAKE_SQLSTATE).
pub fn sqlstate_text(sqlstate: PgSqlErrorCode) -> String {
    let code = sqlstate as i32 as u32;
    (0..5)
        .map(|position| char::from((code >> (6 * position) & 0x3f) as u8 + b'0'))
        .collect()
}
