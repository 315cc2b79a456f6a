//! The WARNINGs of a statement: some of what other extensions find out they say in no other way.

use core::ffi::CStr;
use pgrx::{PgLogLevel, pg_sys};
use std::cell::{Cell, RefCell};

thread_local! {
    static COLLECTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// The hook that was there before.
    static PREVIOUS: Cell<pg_sys::emit_log_hook_type> = const { Cell::new(None) };
}

/// Does something, and returns the messages of its WARNINGs as well: those that go to the server's log.
pub fn with_warnings<T>(action: impl FnOnce() -> T) -> (T, Vec<String>) {
    COLLECTED.take();
    let listening = Listening::begin();
    let value = action();
    drop(listening);
    (value, COLLECTED.take())
}

struct Listening;

impl Listening {
    fn begin() -> Listening {
        // SAFETY: a hook of this process alone, which is given back as it was.
        unsafe {
            PREVIOUS.set(pg_sys::emit_log_hook);
            pg_sys::emit_log_hook = Some(on_log);
        }
        Listening
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // SAFETY: as above; nobody else sets it while a statement runs.
        unsafe { pg_sys::emit_log_hook = PREVIOUS.take() }
    }
}

/// Called with what goes to the log (utils/error/elog.c, EmitErrorReport). Nothing in it can fail: a panic would go through C.
unsafe extern "C-unwind" fn on_log(error: *mut pg_sys::ErrorData) {
    // SAFETY: the error is the server's, whose message is a C string or NULL; the previous hook is called as it would have been.
    unsafe {
        if (*error).elevel == PgLogLevel::WARNING as core::ffi::c_int && !(*error).message.is_null()
        {
            let message = CStr::from_ptr((*error).message).to_string_lossy();
            let _ = COLLECTED
                .try_with(|all| all.try_borrow_mut().map(|mut all| all.push(message.into())));
        }
        if let Ok(Some(previous)) = PREVIOUS.try_with(Cell::get) {
            previous(error);
        }
    }
}
