//! The error that ends this process, a background worker: of the level FATAL, as it goes to the server's log.
//!
//! Code cannot catch it, and it comes back to nobody: the process ends where it is raised. What ends with it can only be told
//! from here, before the functions that [`super::at_exit`] was given are called.

use core::ffi::{CStr, c_int};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::sync::OnceLock;

/// Such an error.
pub struct Fatal<'a> {
    pub sqlstate: PgSqlErrorCode,
    /// The primary message, as far as it is valid in UTF-8, which it need not be in each database's encoding.
    pub message: &'a str,
    /// It is what SIGTERM means, and not made to look so by somebody's code.
    pub is_termination: bool,
}

/// Is told of the error.
static NOTE: OnceLock<fn(&Fatal<'_>)> = OnceLock::new();

/// The hook that was there before.
static PREVIOUS: OnceLock<pg_sys::emit_log_hook_type> = OnceLock::new();

/// From now on, has `note` called with the error that ends this process. It writes memory that is there, and nothing else: the
/// process may have run out of it. Where not even FATAL goes to the log (`log_min_messages`), it is not called.
pub fn note_fatal(note: fn(&Fatal<'_>)) {
    // SAFETY: a hook of this process alone, which the function below keeps as it was for whoever set it before.
    unsafe {
        if NOTE.set(note).is_ok() {
            let _ = PREVIOUS.set(pg_sys::emit_log_hook);
            pg_sys::emit_log_hook = Some(on_log);
        }
    }
}

/// Called with each error and message that goes to the log (utils/error/elog.c, EmitErrorReport). Nothing in it can fail: a
/// panic would go through C.
unsafe extern "C-unwind" fn on_log(error: *mut pg_sys::ErrorData) {
    // SAFETY: the error is the server's, whose texts are C strings or NULL; the previous hook is called as it would have been.
    unsafe {
        if (*error).elevel == FATAL
            && let Some(note) = NOTE.get()
        {
            note(&Fatal {
                sqlstate: PgSqlErrorCode::from((*error).sqlerrcode as isize),
                message: text((*error).message),
                is_termination: text((*error).funcname) == "ProcessInterrupts"
                    && (*error).sqlerrcode == PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN as c_int,
            });
        }
        if let Some(Some(previous)) = PREVIOUS.get() {
            previous(error);
        }
    }
}

const FATAL: c_int = pgrx::PgLogLevel::FATAL as c_int;

/// # Safety
/// A C string that lives as long as is said, or NULL.
unsafe fn text<'a>(text: *const core::ffi::c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    // SAFETY: passed on.
    let chunks = unsafe { CStr::from_ptr(text) }.to_bytes().utf8_chunks();
    chunks.map(|chunk| chunk.valid()).next().unwrap_or_default()
}
