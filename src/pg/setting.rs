//! Settings: check hooks in safe Rust, and reading PostgreSQL's own.

use super::c::int;
use crate::refusal::Refusal;
use core::ffi::{CStr, c_char, c_void};
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::pgrx_extern_c_guard;
use std::ffi::CString;

/// What a text setting has to be.
pub trait Check {
    fn check(value: &str) -> Result<(), Refusal>;
}

/// Defines a text setting of postgresql.conf whose every new value is checked. A bad one is refused with the check's
/// message as the DETAIL, and its HINT.
pub fn define_checked_setting<C: Check>(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<Option<CString>>,
    flags: GucFlags,
) {
    // SAFETY: the hook has a check hook's signature and follows its rules (utils/misc/README).
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            name,
            short,
            long,
            setting,
            GucContext::Sighup,
            flags,
            Some(hook::<C>),
            None,
            None,
        );
    }
}

/// What a number has to be, beyond its range.
pub trait CheckNumber {
    fn check(value: i32) -> Result<(), Refusal>;
}

/// Defines a setting that is a whole number, not negative, which any session may set, and whose every new value is
/// checked.
pub fn define_checked_number<C: CheckNumber>(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<i32>,
    flags: GucFlags,
) {
    // SAFETY: as above.
    unsafe {
        GucRegistry::define_int_guc_with_hooks(
            name,
            short,
            long,
            setting,
            0,
            i32::MAX,
            GucContext::Userset,
            flags,
            Some(number_hook::<C>),
            None,
            None,
        );
    }
}

/// What a fraction has to be, beyond its range.
pub trait CheckFraction {
    fn check(value: f64) -> Result<(), Refusal>;
}

/// Defines a setting of postgresql.conf that is a fraction, at first 0, and whose every new value is checked.
pub fn define_checked_fraction<C: CheckFraction>(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<f64>,
) {
    // SAFETY: as above.
    unsafe {
        GucRegistry::define_float_guc_with_hooks(
            name,
            short,
            long,
            setting,
            0.0,
            1.0,
            GucContext::Sighup,
            GucFlags::default(),
            Some(fraction_hook::<C>),
            None,
            None,
        );
    }
}

/// GUC_LIST_INPUT, so that ALTER SYSTEM takes several values.
pub fn list_flag() -> GucFlags {
    GucFlags::from_bits_retain(int(pg_sys::GUC_LIST_INPUT))
}

unsafe extern "C-unwind" fn hook<C: Check>(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: called by guc.c with a pointer to the new value, a C string or NULL. No ERROR is raised; a Rust panic,
    // which would be a defect, becomes one in the guard.
    unsafe {
        pgrx_extern_c_guard(|| {
            if (*value).is_null() {
                return true;
            }
            let outcome = match CStr::from_ptr(*value).to_str() {
                Ok(text) => C::check(text),
                Err(_) => Err(Refusal::new(
                    pgrx::PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
                    "The value is not in the encoding UTF-8.",
                )),
            };
            accept(outcome)
        })
    }
}

unsafe extern "C-unwind" fn number_hook<C: CheckNumber>(
    value: *mut i32,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: called by guc.c with a pointer to the new value. No ERROR is raised, as above.
    unsafe { pgrx_extern_c_guard(|| accept(C::check(*value))) }
}

unsafe extern "C-unwind" fn fraction_hook<C: CheckFraction>(
    value: *mut f64,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: as above.
    unsafe { pgrx_extern_c_guard(|| accept(C::check(*value))) }
}

/// Says in a check hook what is wrong with a value, if it is refused.
///
/// # Safety
/// Called by guc.c's check hook, which reports it.
unsafe fn accept(outcome: Result<(), Refusal>) -> bool {
    let Err(refusal) = outcome else { return true };
    let (detail, hint) = refusal.notes();
    let sentence = match detail {
        Some(detail) => format!("{} {detail}", as_sentence(refusal.message())),
        None => as_sentence(refusal.message()),
    };
    // SAFETY: the texts live until guc.c has reported them.
    unsafe {
        pg_sys::GUC_check_errdetail_string = in_error_context(&sentence);
        if let Some(hint) = hint {
            pg_sys::GUC_check_errhint_string = in_error_context(hint);
        }
    }
    false
}

/// A DETAIL is a sentence, a primary message is not.
fn as_sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(characters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// Where the texts of check hooks live until they are reported (utils/error/elog.c, format_elog_string).
unsafe fn in_error_context(text: &str) -> *mut c_char {
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: copies the text.
    unsafe { pg_sys::MemoryContextStrdup(pg_sys::ErrorContext, text.as_ptr()) }
}

/// Whether a setting would take a value in a session.
pub fn setting_takes(name: &CStr, value: &str) -> bool {
    takes(name, value, pg_sys::GucContext::PGC_SUSET)
}

/// Whether a setting would take a value in a configuration file; false for one that does not exist, and whose prefix is reserved.
pub fn setting_takes_in_file(name: &CStr, value: &str) -> bool {
    takes(name, value, pg_sys::GucContext::PGC_SIGHUP)
}

fn takes(name: &CStr, value: &str, context: pg_sys::GucContext::Type) -> bool {
    let Ok(value) = CString::new(value) else {
        return false;
    };
    // SAFETY: without changeVal the value is only looked at. At this level a complaint goes nowhere, and is no ERROR. As
    // a file's value it is nobody's: the postmaster and the launcher, which ask too, have no role (utils/misc/guc.c).
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            context,
            pg_sys::GucSource::PGC_S_FILE,
            pg_sys::GucAction::GUC_ACTION_SET,
            false,
            int(pg_sys::DEBUG5),
            false,
        ) != 0
    }
}

/// The value that a setting has without this session's own SET.
pub fn server_setting(name: &CStr) -> String {
    // SAFETY: the setting exists; the result is copied at once, because the next call may overwrite it.
    unsafe {
        let value = pg_sys::GetConfigOptionResetString(name.as_ptr());
        if value.is_null() {
            return String::new();
        }
        CStr::from_ptr(value).to_string_lossy().into_owned()
    }
}
