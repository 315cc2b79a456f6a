// The functions that pgrx does not bind: of utils/elog.h, which ereport() calls, and of utils/timeout.h. Read twice: `bindings`
// declares them, and build.rs has the C compiler compare them with the header files.
declare! {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char) -> ();
    fn RegisterTimeout(id: TimeoutId, handler: TimeoutHandler) -> TimeoutId;
    fn enable_timeout_every(id: TimeoutId, first: pg_sys::TimestampTz, milliseconds: c_int) -> ();
    fn disable_timeout(id: TimeoutId, keep_indicator: bool) -> ();
}
