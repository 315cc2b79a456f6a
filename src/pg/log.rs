//! Messages that are no ERROR to whoever runs: to the server's log, or to the client.

use crate::refusal::Refusal;
use core::ffi::{CStr, c_char, c_int};
use pgrx::PgLogLevel;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgSqlErrorCode;

/// A line of the server's log.
pub fn log(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(PgLogLevel::LOG, message, detail, hint);
}

// PostgreSQL's own, which pgrx does not bind (utils/elog.h).
unsafe extern "C-unwind" {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errmsg_internal(format: *const c_char, ...) -> c_int;
    fn errdetail_internal(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn set_errcontext_domain(domain: *const c_char) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
}

/// No text of an error takes more of the log than this, in bytes: a trigger can raise one of any length.
const LONGEST: usize = 8_192;

/// Writes an error that was caught to the server's log, at the level ERROR, so that who counts errors counts it, and
/// with a CONTEXT that says where it happened: as an autovacuum worker does (postmaster/autovacuum.c).
pub fn log_error(refusal: &Refusal, context: &str) {
    let (detail, hint) = refusal.notes();
    let text = |text: &str| std::ffi::CString::new(cut(text).replace('\0', "")).unwrap_or_default();
    let (message, context) = (text(refusal.message()), text(context));
    let (detail, hint) = (detail.map(text), hint.map(text));
    let sqlstate = refusal.sqlstate() as c_int;
    let format: &CStr = c"%s";
    // SAFETY: errstart puts an error on the stack of errors, the functions after it copy the texts into it, and instead
    // of errfinish, which would throw it, it is written as by EmitErrorReport() in any process's error handler, and taken
    // from the stack. Nothing of Rust's is owned inside the boundary.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            if !errstart(PgLogLevel::ERROR as c_int, core::ptr::null()) {
                return;
            }
            errcode(sqlstate);
            errmsg_internal(format.as_ptr(), message.as_ptr());
            if let Some(detail) = &detail {
                errdetail_internal(format.as_ptr(), detail.as_ptr());
            }
            if let Some(hint) = &hint {
                errhint(format.as_ptr(), hint.as_ptr());
            }
            set_errcontext_domain(core::ptr::null());
            errcontext_msg(format.as_ptr(), context.as_ptr());
            pg_sys::EmitErrorReport();
            pg_sys::FlushErrorState();
        });
    }
}

/// The beginning of a text that is too long for the log.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A NOTICE to the client.
pub fn notice(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(PgLogLevel::NOTICE, message, detail, hint);
}

fn report(level: PgLogLevel, message: &str, detail: Option<&str>, hint: Option<&str>) {
    let sqlstate = PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION;
    let mut report = ErrorReport::new(sqlstate, message.to_owned(), "raw_clear_sessions");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report.report(level);
}

/// The five characters of an SQLSTATE: six bits each, the first in the lowest (utils/elog.h, MAKE_SQLSTATE).
pub fn sqlstate_text(sqlstate: PgSqlErrorCode) -> String {
    let code = sqlstate as i32 as u32;
    (0..5)
        .map(|position| char::from((code >> (6 * position) & 0x3f) as u8 + b'0'))
        .collect()
}
