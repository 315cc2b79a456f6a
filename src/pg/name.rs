//! Names from the catalogs, and texts from a caller, in a database of whatever encoding.
//!
//! Rust's texts are UTF-8, and PostgreSQL's are bytes: outside of databases in UTF-8, and in pg_database, whose
//! names come from sessions of any encoding, they may be none.

use super::c::int;
use super::memory::ensure_memory;
use crate::refusal::Refusal;
use core::ffi::{CStr, c_int};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::borrow::Cow;

fn c_name(name: &pg_sys::NameData) -> &CStr {
    // SAFETY: a name ends with a zero byte within its 64 (c.h).
    unsafe { CStr::from_ptr(name.data.as_ptr()) }
}

/// A name that is looked at, or shown; what is not UTF-8 in it is replaced, so that it may be no name of anything.
pub(super) fn shown(name: &pg_sys::NameData) -> String {
    c_name(name).to_string_lossy().into_owned()
}

/// A name that statements are made with. ERROR 0A000 where it is not UTF-8: what it was replaced by could be the name of
/// something else.
pub(super) fn exact(name: &CStr) -> String {
    match name.to_str() {
        Ok(name) => name.to_owned(),
        Err(_) => Refusal::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("name \"{}\" is not encoded in UTF-8", name.to_string_lossy()),
        )
        .detail("In a database with another encoding, the names of a table and of its schema have to be ASCII.")
        .hint("Rename the table, or use a database with the encoding UTF8.")
        .raise(),
    }
}

/// A text for the server, which takes each byte of it for one of the database's encoding. What came from there goes back
/// as it was, but for what was no UTF-8: where the encoding is another one, nothing could read what it was replaced by.
pub fn encodable(text: &str) -> Cow<'_, str> {
    // SAFETY: the process's; SQL_ASCII before it has connected to a database.
    if text.is_ascii() || unsafe { pg_sys::GetDatabaseEncoding() } == UTF8 {
        return text.into();
    }
    text.replace(char::REPLACEMENT_CHARACTER, "?").into()
}

const UTF8: c_int = int(pg_sys::pg_enc::PG_UTF8);

/// As much text is taken for an argument, in bytes: statements and messages are made of it, a few copies of each.
const MOST_BYTES: usize = 1024 * 1024;

/// A text argument of an SQL function, given as its bytes; NULL is `None`. ERROR 54000 where it is too long, 0A000 where it
/// is not UTF-8: as another text, it could name another column, or mean other rows.
pub fn exact_text(argument: &str, text: Option<&[u8]>) -> Option<String> {
    let text = text?;
    if text.len() > MOST_BYTES {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("the value of argument \"{argument}\" is too long"),
        )
        .detail(format!(
            "It has {} bytes, and at most {MOST_BYTES} are taken.",
            text.len()
        ))
        .raise();
    }
    // For the copies of one that is as long as can be.
    ensure_memory(16 * text.len());
    match str::from_utf8(text) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => Refusal::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("the value of argument \"{argument}\" is not encoded in UTF-8"),
        )
        .detail("In a database with another encoding, it has to be ASCII.")
        .hint("In an expression or a filter, chr() makes any character of its code in the database's encoding.")
        .raise(),
    }
}

pub(super) fn exact_name(name: &pg_sys::NameData) -> String {
    exact(c_name(name))
}

/// The input function of regclass, which finds a table by its name (utils/adt/regproc.c).
///
/// # Safety
///
/// The call is one of a function that takes a cstring and is strict.
pub unsafe fn regclass_in(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as the caller promises.
    unsafe { pg_sys::regclassin(call) }
}
