// The functions of utils/elog.h that ereport() calls, and that pgrx does not bind. Read twice: `raw` declares them, and
// build.rs has the C compiler compare them with the header file.
declare! {
    fn errstart(level: c_int, domain: *const c_char) -> bool;
    fn errcode(sqlstate: c_int) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
    fn errcontext_msg(format: *const c_char, ...) -> c_int;
    fn errfinish(file: *const c_char, line: c_int, function: *const c_char) -> ();
}
