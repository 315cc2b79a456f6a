//! Settings that have another value for a while.

use core::ffi::CStr;
use pgrx::pg_sys;
use std::ffi::CString;

/// A setting with another value, until dropped; an ERROR takes it back too.
pub struct LocalSetting(i32);

impl LocalSetting {
    pub fn set(settings: &[(&CStr, &CStr)]) -> Self {
        Self::set_in(pg_sys::GucContext::PGC_USERSET, settings)
    }

    /// The search_path in which nothing is found but PostgreSQL's own.
    pub fn system_path() -> Self {
        Self::set(&[(c"search_path", c"pg_catalog, pg_temp")])
    }

    /// As [`LocalSetting::set`], for settings that only a superuser may set, with whatever rights the current user has.
    pub(super) fn set_as_superuser(settings: &[(&CStr, &CStr)]) -> Self {
        Self::set_in(pg_sys::GucContext::PGC_SUSET, settings)
    }

    fn set_in(context: pg_sys::GucContext::Type, settings: &[(&CStr, &CStr)]) -> Self {
        // SAFETY: as functions with a SET clause do it (utils/fmgr/fmgr.c): the nest level keeps the old values.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        for (name, value) in settings {
            set_option(name, value, context, pg_sys::GucAction::GUC_ACTION_SAVE);
        }
        LocalSetting(level)
    }
}

impl Drop for LocalSetting {
    fn drop(&mut self) {
        // While an ERROR unwinds, the abort restores every level.
        if !std::thread::panicking() {
            // SAFETY: ends the level that `set` began.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}

/// Sets a setting until the transaction ends.
pub fn set_for_transaction(name: &CStr, value: &str) {
    let value = CString::new(value).expect("a setting's value has no zero byte");
    let (context, action) = (
        pg_sys::GucContext::PGC_USERSET,
        pg_sys::GucAction::GUC_ACTION_LOCAL,
    );
    set_option(name, &value, context, action);
}

fn set_option(
    name: &CStr,
    value: &CStr,
    context: pg_sys::GucContext::Type,
    action: pg_sys::GucAction::Type,
) {
    // SAFETY: as SET LOCAL, or a function's SET clause, does it; both strings are copied. The current user, or the context, may
    // set what is set here.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            context,
            pg_sys::GucSource::PGC_S_SESSION,
            action,
            true,
            0,
            false,
        );
    }
}
