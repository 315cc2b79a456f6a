//! Messages: to the server's log, or to the client.

use super::bindings;
use super::c::{byte, int};
use super::name::encodable;
use crate::refusal::Refusal;
use core::ffi::{CStr, c_int};
use core::ptr;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgLogLevel, pg_sys};
use std::ffi::CString;

/// A line of the server's log.
pub fn log(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(PgLogLevel::LOG, message, detail, hint);
}

/// A NOTICE to the client.
pub fn notice(message: &str, detail: Option<&str>, hint: Option<&str>) {
    report(PgLogLevel::NOTICE, message, detail, hint);
}

/// A WARNING to the client.
pub fn warning(message: &str, hint: &str) {
    report(PgLogLevel::WARNING, message, None, Some(hint));
}

impl Refusal {
    /// Raises the ERROR. Rust frames above are unwound, their destructors run.
    pub fn raise(self) -> ! {
        let (sqlstate, message, detail, hint) = self.into_parts();
        let mut report = ErrorReport::new(
            sqlstate,
            encodable(&message).into_owned(),
            "raw_clear_sessions",
        );
        if let Some(detail) = detail {
            report = report.set_detail(encodable(&detail).into_owned());
        }
        if let Some(hint) = hint {
            report = report.set_hint(encodable(&hint).into_owned());
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// No text of an error takes more of the log than this, in bytes: a trigger can raise one of any length.
const LONGEST: usize = 8_192;

/// Writes an error that was caught to the server's log, at the level ERROR, so that who counts errors counts it, and
/// with a CONTEXT that says where it happened: as an autovacuum worker does (postmaster/autovacuum.c).
pub fn log_error(refusal: &Refusal, context: &str) {
    let (detail, hint) = refusal.notes();
    let texts = Texts::new(refusal.message(), detail, hint, Some(context));
    texts.emit(PgLogLevel::ERROR, refusal.sqlstate());
}

fn report(level: PgLogLevel, message: &str, detail: Option<&str>, hint: Option<&str>) {
    let texts = Texts::new(message, detail, hint, None);
    texts.emit(level, PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION);
}

/// What a message says.
struct Texts {
    message: CString,
    detail: Option<CString>,
    hint: Option<CString>,
    context: Option<CString>,
}

impl Texts {
    fn new(message: &str, detail: Option<&str>, hint: Option<&str>, context: Option<&str>) -> Self {
        let c_text =
            |text: &str| CString::new(encodable(cut(text)).replace('\0', "")).unwrap_or_default();
        Texts {
            message: c_text(message),
            detail: detail.map(c_text),
            hint: hint.map(c_text),
            context: context.map(c_text),
        }
    }

    /// The end of a NOTICE checks for interrupts (utils/error/elog.c, errfinish), and anything here may run out of memory:
    /// the ERROR must not jump over a Rust frame, as it would from pgrx's own report.
    fn emit(&self, level: PgLogLevel, sqlstate: PgSqlErrorCode) {
        let pointer = |text: &Option<CString>| text.as_deref().map_or(ptr::null(), CStr::as_ptr);
        let message = self.message.as_ptr();
        let [detail, hint, context] = [&self.detail, &self.hint, &self.context].map(pointer);
        // SAFETY: what ereport() of utils/elog.h does. The texts outlive the boundary, and are copied; they are arguments,
        // not formats. An error is written, and taken from the stack of errors, as any process does with one that it has
        // caught, instead of being thrown by errfinish.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                if !bindings::errstart(level as c_int, ptr::null()) {
                    return;
                }
                bindings::errcode(sqlstate as c_int);
                pg_sys::errmsg_internal(c"%s".as_ptr(), message);
                if !detail.is_null() {
                    pg_sys::errdetail_internal(c"%s".as_ptr(), detail);
                }
                if !hint.is_null() {
                    bindings::errhint(c"%s".as_ptr(), hint);
                }
                if !context.is_null() {
                    bindings::set_errcontext_domain(ptr::null());
                    bindings::errcontext_msg(c"%s".as_ptr(), context);
                }
                if level >= PgLogLevel::ERROR {
                    pg_sys::EmitErrorReport();
                    pg_sys::FlushErrorState();
                    return;
                }
                bindings::errfinish(
                    c"log.rs".as_ptr(),
                    int(line!()),
                    c"raw_clear_sessions".as_ptr(),
                );
            });
        }
    }
}

/// The beginning of a text that is too long.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// The five characters of an SQLSTATE: six bits each, the first in the lowest (utils/elog.h, MAKE_SQLSTATE).
pub fn sqlstate_text(sqlstate: PgSqlErrorCode) -> String {
    let code = (sqlstate as i32).cast_unsigned();
    (0..5)
        .map(|position| char::from(byte(code >> (6 * position) & 0x3f) + b'0'))
        .collect()
}
