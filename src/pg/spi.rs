//! SQL statements, with parameters, by the caller's rights.
//!
//! pgrx's own `Spi` reads under a snapshot of its choice and refuses EXPLAIN; this is the part that is needed, by hand.

use super::internal_statement::hiding;
use core::ffi::{CStr, c_char};
use pgrx::{IntoDatum, pg_sys};
use std::ffi::CString;

/// A parameter of a statement: `$1`, `$2`, ... They are constants to the planner.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub type_oid: pg_sys::Oid,
    pub value: pg_sys::Datum,
}

impl Argument {
    /// A bigint: PostgreSQL compares all integer types and numeric with it, the integers without a conversion.
    pub fn integer(value: i64) -> Self {
        Argument {
            type_oid: pg_sys::INT8OID,
            value: value.into(),
        }
    }

    /// A text; it is copied into the current memory context.
    pub fn text(value: &str) -> Self {
        Argument {
            type_oid: pg_sys::TEXTOID,
            value: value.into_datum().expect("a text is not NULL"),
        }
    }

    /// A timestamptz.
    pub fn instant(value: i64) -> Self {
        Argument {
            type_oid: pg_sys::TIMESTAMPTZOID,
            value: value.into(),
        }
    }

    /// A float8.
    pub fn float(value: f64) -> Self {
        Argument {
            type_oid: pg_sys::FLOAT8OID,
            value: value.to_bits().into(),
        }
    }
}

/// The rows that a statement returned, each value in its text form; NULL is `None`.
pub type Rows = Vec<Vec<Option<String>>>;

/// Runs a statement that returns rows.
pub fn query(statement: &str, arguments: &[Argument]) -> Rows {
    execute(statement, arguments, rows)
}

/// Runs a statement that changes rows, and returns how many.
pub fn modify(statement: &str, arguments: &[Argument]) -> u64 {
    // SAFETY: set by the statement that has just been executed.
    execute(statement, arguments, || unsafe { pg_sys::SPI_processed })
}

fn execute<T>(statement: &str, arguments: &[Argument], result: impl FnOnce() -> T) -> T {
    let statement = CString::new(statement).expect("SQL made of SQL has no zero byte");
    let mut types: Vec<_> = arguments.iter().map(|argument| argument.type_oid).collect();
    let mut values: Vec<_> = arguments.iter().map(|argument| argument.value).collect();
    // SAFETY: the arrays have one entry for each parameter and outlive the call. read_only is false, so that the
    // statement sees what this transaction has done so far. SPI_finish frees what the statement returned, which
    // `result` has copied by then; an ERROR skips it, and the transaction's abort does its work.
    unsafe {
        pg_sys::SPI_connect();
        let outcome = hiding(&statement, || {
            pg_sys::SPI_execute_with_args(
                statement.as_ptr(),
                arguments.len() as i32,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                core::ptr::null::<c_char>(),
                false,
                0,
            )
        });
        assert!(outcome >= 0, "SPI_execute_with_args returned {outcome}");
        let result = result();
        pg_sys::SPI_finish();
        result
    }
}

/// The rows of the statement that has just been executed.
pub fn rows() -> Rows {
    // SAFETY: SPI_tuptable is the result of the statement that has just been executed, NULL where it had none.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return Rows::new();
        }
        let descriptor = (*table).tupdesc;
        (0..pg_sys::SPI_processed as usize)
            .map(|row| {
                let tuple = *(*table).vals.add(row);
                (1..=(*descriptor).natts)
                    .map(|column| {
                        let value = pg_sys::SPI_getvalue(tuple, descriptor, column);
                        (!value.is_null())
                            .then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
                    })
                    .collect()
            })
            .collect()
    }
}

/// A setting with another value, until dropped; an ERROR takes it back too.
pub struct LocalSetting(i32);

impl LocalSetting {
    pub fn set(settings: &[(&CStr, &CStr)]) -> Self {
        Self::set_in(pg_sys::GucContext::PGC_USERSET, settings)
    }

    /// As [`LocalSetting::set`], for settings that only a superuser may set, whoever the current user is.
    pub(super) fn set_as_superuser(settings: &[(&CStr, &CStr)]) -> Self {
        Self::set_in(pg_sys::GucContext::PGC_SUSET, settings)
    }

    fn set_in(context: pg_sys::GucContext::Type, settings: &[(&CStr, &CStr)]) -> Self {
        // SAFETY: as functions with a SET clause do it (utils/fmgr/fmgr.c): the nest level keeps the old values. Both
        // strings are copied. The current user, or the context, may set what is set here.
        unsafe {
            let level = pg_sys::NewGUCNestLevel();
            for (name, value) in settings {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    context,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
            LocalSetting(level)
        }
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
    // SAFETY: as SET LOCAL does it; both strings are copied.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}
