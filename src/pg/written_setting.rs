//! What has been written for settings, whether the server has taken it or not.

use core::ffi::{CStr, c_char};
use core::ptr;
use pgrx::pg_sys;

/// A name and a value, as they were written.
pub type Written = (String, String);

/// What the configuration files say of settings whose names begin so; of several values the last, which counts. `None` where
/// the files cannot be read to their end: then the server has taken nothing of them.
pub fn written_in_files(prefix: &str) -> Option<Vec<Written>> {
    let mut head: *mut pg_sys::ConfigVariable = ptr::null_mut();
    let mut tail = head;
    let mut parse = |file, strict| {
        // SAFETY: the lists and their ends are this function's. A complaint at this level goes nowhere, and is no ERROR; the
        // server makes it as well, where everybody sees it (utils/misc/guc-file.l, ProcessConfigFileInternal).
        unsafe {
            pg_sys::ParseConfigFile(
                file,
                strict,
                ptr::null(),
                0,
                0,
                super::c::int(pg_sys::DEBUG5),
                &raw mut head,
                &raw mut tail,
            )
        }
    };
    // SAFETY: set by the postmaster before there are other processes.
    let file = unsafe { pg_sys::ConfigFileName };
    let is_whole = parse(file, true) && parse(pg_sys::PG_AUTOCONF_FILENAME.as_ptr(), false);
    let mut written: Vec<Written> = Vec::new();
    let mut next = head;
    // SAFETY: a list of C strings that nobody else has. One without a name is an error.
    while let Some(one) = unsafe { next.as_ref() } {
        if !one.name.is_null() && !one.value.is_null() {
            // SAFETY: C strings, as it says.
            let (name, value) = unsafe { (text(one.name).to_lowercase(), text(one.value)) };
            if name.starts_with(prefix) {
                written.retain(|(other, _)| *other != name);
                written.push((name, value));
            }
        }
        next = one.next;
    }
    // SAFETY: the whole list, of which nothing is used any more.
    unsafe { pg_sys::FreeConfigVariables(head) };
    is_whole.then_some(written)
}

/// What the server's command line says of settings whose names begin so, as long as nobody has defined them.
pub fn written_on_command_line(prefix: &str) -> Vec<Written> {
    // SAFETY: an array of so many settings, which nobody changes meanwhile.
    let settings = unsafe {
        #[cfg(feature = "pg15")]
        let (first, count) = (pg_sys::get_guc_variables(), pg_sys::GetNumConfigOptions());
        #[cfg(not(feature = "pg15"))]
        let (first, count) = {
            let mut count = 0;
            (pg_sys::get_guc_variables(&raw mut count), count)
        };
        core::slice::from_raw_parts(first, count.unsigned_abs() as usize)
    };
    let named = settings.iter().filter_map(|setting| {
        // SAFETY: each is one, with a name; its value is copied at once.
        unsafe {
            let setting = &**setting;
            let name = text(setting.name);
            if setting.source != pg_sys::GucSource::PGC_S_ARGV || !name.starts_with(prefix) {
                return None;
            }
            let value = pg_sys::GetConfigOption(setting.name, true, false);
            (!value.is_null()).then(|| (name, text(value)))
        }
    });
    named.collect()
}

/// # Safety
/// A C string.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: the caller's word.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}
