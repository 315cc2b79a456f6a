//! Errors of the statements that this extension runs on behalf of a call: they are the caller's, the statement is not.

use pgrx::pg_sys::ErrorData;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgTryBuilder, pg_sys};
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;
use std::ptr;

/// Runs something that executes `statement`. An ERROR goes on without what SPI added to it (executor/spi.c,
/// _SPI_error_callback): the statement, and the position in it or the line of the context that shows it. The context of
/// a trigger's code, and that of the caller's, stay.
pub(super) fn hiding<T>(statement: &CStr, execute: impl FnOnce() -> T) -> T {
    PgTryBuilder::new(AssertUnwindSafe(execute))
        .catch_others(|error| match error {
            // SAFETY: the ERROR is the one on top of the error stack, and the memory context that of the call which
            // raised it: its transaction has not been aborted yet.
            CaughtError::PostgresError(_) => unsafe { throw_without(statement) },
            other => other.rethrow(),
        })
        .execute()
}

/// Runs something that is one part of a call. To an ERROR it adds which part, as CONTEXT, and, if it has none, the HINT that
/// there is for its SQLSTATE.
pub fn explaining<T>(
    part: &str,
    hint: fn(PgSqlErrorCode) -> Option<&'static CStr>,
    execute: impl FnOnce() -> T,
) -> T {
    let part = CString::new(part).expect("a name has no zero byte");
    PgTryBuilder::new(AssertUnwindSafe(execute))
        .catch_others(|error| match error {
            // SAFETY: as in `hiding`.
            CaughtError::PostgresError(_) => unsafe {
                throw_changed(|error| {
                    if error.hint.is_null()
                        && let Some(hint) = hint(PgSqlErrorCode::from(error.sqlerrcode as isize))
                    {
                        error.hint = pg_sys::pstrdup(hint.as_ptr());
                    }
                    let mut context = Vec::new();
                    if !error.context.is_null() {
                        context.extend(CStr::from_ptr(error.context).to_bytes());
                        context.push(b'\n');
                    }
                    context.extend(part.to_bytes());
                    let context = CString::new(context).unwrap_or_default();
                    error.context = pg_sys::pstrdup(context.as_ptr());
                })
            },
            other => other.rethrow(),
        })
        .execute()
}

/// Takes the ERROR off the error stack and raises it again, without the statement.
///
/// # Safety
/// As for `throw_changed`.
unsafe fn throw_without(statement: &CStr) -> ! {
    // SAFETY: passed on; the strings of an ERROR are C strings, or NULL.
    unsafe {
        throw_changed(|error| {
            if !error.internalquery.is_null() && CStr::from_ptr(error.internalquery) == statement {
                error.internalquery = ptr::null_mut();
                error.internalpos = 0;
            }
            if !error.context.is_null() {
                let rest = without_line_of(CStr::from_ptr(error.context), statement);
                error.context = match rest.is_empty() {
                    true => ptr::null_mut(),
                    false => pg_sys::pstrdup(rest.as_ptr()),
                };
            }
        })
    }
}

/// Takes the ERROR off the error stack and raises it again, changed.
///
/// # Safety
/// There is one, and it has been caught; CurrentMemoryContext is not ErrorContext.
unsafe fn throw_changed(change: impl FnOnce(&mut ErrorData)) -> ! {
    // SAFETY: a copy of ours in the current memory context, which the abort frees; ReThrowError copies it in its turn.
    unsafe {
        let error: *mut ErrorData = pg_sys::CopyErrorData();
        pg_sys::FlushErrorState();
        change(&mut *error);
        pg_sys::ReThrowError(error);
    }
    #[allow(
        unreachable_code,
        reason = "the bindings know that it does not return up to PostgreSQL 17, and not from 18 on"
    )]
    {
        unreachable!("an ERROR does not return")
    }
}

/// A context without the line that shows a statement, in whatever language the words around it are. The statement may
/// have lines of its own: an identifier in it can.
fn without_line_of(context: &CStr, statement: &CStr) -> CString {
    let (context, statement) = (context.to_bytes(), statement.to_bytes());
    let shown = context
        .windows(statement.len().max(1))
        .position(|window| window == statement);
    let rest = match shown {
        None => context.to_vec(),
        Some(start) => {
            let before = context[..start].iter().rposition(|&byte| byte == b'\n');
            let after = &context[start + statement.len()..];
            let after = after
                .iter()
                .position(|&byte| byte == b'\n')
                .map(|end| &after[end + 1..]);
            let before = before.map(|end| &context[..end]);
            [before, after]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(&b'\n')
        }
    };
    CString::new(rest).expect("a C string has no zero byte inside")
}
