//! Texts that an expression reads as times, and time zones that are written in them or beside them.
//!
//! `UTC-05:00` and `GMT-0100` are POSIX to PostgreSQL: five hours, and a hundred, *ahead* of UTC, where whoever writes them means
//! behind it; and a `timestamp` has no place for the zone of the text that it is read from. Either way a row would be over hours
//! before its time.

use super::Relation;
use super::c::byte_of;
use super::expression::deparse;
use core::ffi::{CStr, c_void};
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};
use std::ffi::CString;

/// A text that PostgreSQL does not read as it is meant, over one table.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenZone {
    /// The text, as SQL.
    pub text: String,
    /// True of the rows where a zone is in it that is misread, as SQL.
    pub condition: String,
    /// How the text is read.
    pub reading: Reading,
}

/// Hours that are not zero, to the end of the word: `EST5EDT` is a zone's name.
const HOURS: &str = r"(?=[\d:]*[1-9])\d[\d:]*(?![a-z\d:])";

/// Behind a word that is in no zone.
const END: &str = "([^a-z]|$)";

const DATES: &str = "jan|january|feb|february|mar|march|apr|april|may|june?|july?|aug|august|sept?|september|oct|october|nov|november|dec|december";

/// What may stand beside a time that has no zone, or whose zone is UTC.
const NO_ZONES: &str = "t|z|zulu|utc|gmt|am|pm|ad|bc|at|on|epoch|infinity|mon|monday|tue|tues|tuesday|wed|weds|wednesday|thu|thur|thurs|thursday|fri|friday|sat|saturday|sun|sunday";

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// As an instant.
    Instant,
    /// As a time without a zone.
    Naive,
    /// As a zone's name.
    Zone,
}

impl Reading {
    /// Matches every text in which a zone may be misread, and hardly another one. Matching it takes a tenth of the time.
    fn suspicious(self) -> &'static str {
        match self {
            Reading::Instant => "[A-Za-z/_][+-]|[A-SU-Za-z_/][0-9]|[A-Za-z]T[0-9]",
            Reading::Naive => "[^-0-9:.TZ ]|[TZ].*[TZ].|.{10}.*-|:.*-",
            Reading::Zone => "[1-9]",
        }
    }

    /// Matches where a zone is misread, whatever the case.
    fn misread(self) -> String {
        match self {
            // Punctuation before a zone is skipped. The T of ISO 8601 is none, nor is a month in a date; `Etc/GMT+5` is a name.
            Reading::Instant => format!(
                r"\d(.*[^a-z/_])?(?!t\d|etc/gmt[+-]\d|({DATES})[-/.]?(\d{{4}}|\d{{1,2}}([-/., ]+\d{{4}}|[^:\d]|$)))[a-z][a-z/_]*[+-]?{HOURS}|:.*\s({DATES})[+-]\d{{1,2}}(:\d+)?\s*$"
            ),
            // An offset behind the time, or a word that may be a zone's.
            Reading::Naive => format!(
                r"((:\d\d|\d{{6}}|t\d{{4}}|\s\d{{4}}).*|\d{{4}}-\d\d-\d\d\s*)[+-]\s*{HOURS}|(^|[^a-z])(?!({NO_ZONES}|{DATES}){END})[a-z]"
            ),
            // Whatever stands before the number is a name to PostgreSQL; but for the names that have one.
            Reading::Zone => r"^(?!\s*(etc/gmt[+-]\d+|[a-z]{3}\d[a-z]{3})\s*$).*[1-9]".to_owned(),
        }
    }

    /// True of a text, as SQL, in which a zone is misread, as SQL.
    fn condition(self, text: &str) -> String {
        format!(
            "({text} OPERATOR(pg_catalog.~) {} AND {text} OPERATOR(pg_catalog.~*) {})",
            pgrx::spi::quote_literal(self.suspicious()),
            pgrx::spi::quote_literal(self.misread())
        )
    }

    fn of_type(of: pg_sys::Oid) -> Option<Reading> {
        // SAFETY: looked up in the catalog; InvalidOid for what is neither.
        let base = unsafe {
            let part = |of: pg_sys::Oid, parts: [unsafe fn(pg_sys::Oid) -> pg_sys::Oid; 3]| {
                let mut parts = parts.into_iter().map(|part| part(of));
                parts.find(|part| *part != pg_sys::InvalidOid)
            };
            let mut base = pg_sys::getBaseType(of);
            // The elements of an array, the ranges of a multirange, the bounds of a range; each may be of a domain.
            while let Some(of) = part(
                base,
                [
                    pg_sys::get_element_type,
                    pg_sys::get_multirange_range,
                    pg_sys::get_range_subtype,
                ],
            ) {
                base = pg_sys::getBaseType(of);
            }
            base
        };
        match base {
            pg_sys::TIMESTAMPTZOID | pg_sys::TIMETZOID => Some(Reading::Instant),
            pg_sys::TIMESTAMPOID | pg_sys::DATEOID | pg_sys::TIMEOID => Some(Reading::Naive),
            _ => None,
        }
    }
}

struct Search<'a> {
    relation: &'a Relation,
    found: Vec<WrittenZone>,
}

/// The texts that an analysed expression reads as times or as zones.
///
/// # Safety
/// The expression is a tree of nodes over the one relation, palloc'd, or null.
pub unsafe fn written_zones(relation: &Relation, node: *mut pg_sys::Node) -> Vec<WrittenZone> {
    let mut search = Search {
        relation,
        found: Vec::new(),
    };
    // SAFETY: as for this function; the context is what `look` takes it for.
    unsafe { look(node, (&raw mut search).cast()) };
    search.found
}

#[pg_guard]
unsafe extern "C-unwind" fn look(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: each node is looked at as what its tag says; the context is that of `written_zones`.
    unsafe {
        if let Some((text, reading)) = read(node)
            && is_text(text)
        {
            let search = &mut *context.cast::<Search<'_>>();
            let text = deparse(search.relation, text);
            let text = format!("({text})::pg_catalog.text COLLATE pg_catalog.\"C\"");
            search.found.push(WrittenZone {
                condition: reading.condition(&text),
                text,
                reading,
            });
        }
        pg_sys::expression_tree_walker(node, Some(look), context)
    }
}

/// What a node reads, and how.
unsafe fn read(node: *mut pg_sys::Node) -> Option<(*mut pg_sys::Node, Reading)> {
    // SAFETY: looked at as what its tag says.
    unsafe {
        if is_a(node, pg_sys::NodeTag::T_CoerceViaIO) {
            let coercion = &*node.cast::<pg_sys::CoerceViaIO>();
            // The placeholder for an array's element, which is looked at as a whole.
            if is_a(coercion.arg.cast(), pg_sys::NodeTag::T_CaseTestExpr) {
                return None;
            }
            return Some((coercion.arg.cast(), Reading::of_type(coercion.resulttype)?));
        }
        if is_a(node, pg_sys::NodeTag::T_ArrayCoerceExpr) {
            let coercion = &*node.cast::<pg_sys::ArrayCoerceExpr>();
            return Some((coercion.arg.cast(), Reading::of_type(coercion.resulttype)?));
        }
        if is_a(node, pg_sys::NodeTag::T_FuncExpr) {
            let call = &*node.cast::<pg_sys::FuncExpr>();
            let arguments = PgList::<pg_sys::Node>::from_pg(call.args);
            let zone = match name_of_function(call.funcid)?.as_bytes() {
                // AT TIME ZONE
                b"timezone" => arguments.head(),
                b"make_timestamptz" | b"date_trunc" | b"date_add" | b"date_subtract" => {
                    arguments.tail()
                }
                _ => None,
            };
            return zone.map(|zone| (zone, Reading::Zone));
        }
        None
    }
}

/// Whether an analysed expression makes a row of a text, or of a document, whose fields are read as times where nobody sees the
/// text.
///
/// # Safety
/// As for [`written_zones`].
pub unsafe fn makes_row(node: *mut pg_sys::Node) -> bool {
    // SAFETY: needs no context.
    unsafe { makes_row_below(node, core::ptr::null_mut()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn makes_row_below(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: each node is looked at as what its tag says.
    unsafe {
        let is_row =
            |of| byte_of(pg_sys::get_typtype(pg_sys::getBaseType(of))) == pg_sys::TYPTYPE_COMPOSITE;
        if is_a(node, pg_sys::NodeTag::T_CoerceViaIO) {
            let coercion = &*node.cast::<pg_sys::CoerceViaIO>();
            if is_row(coercion.resulttype) && is_text(coercion.arg.cast()) {
                return true;
            }
        }
        if is_a(node, pg_sys::NodeTag::T_FuncExpr) {
            let function = name_of_function((*node.cast::<pg_sys::FuncExpr>()).funcid);
            if function.is_some_and(|name| {
                [&b"json_populate_record"[..], b"jsonb_populate_record"].contains(&name.as_bytes())
            }) {
                return true;
            }
        }
        pg_sys::expression_tree_walker(node, Some(makes_row_below), context)
    }
}

/// The name of a function of PostgreSQL's own.
fn name_of_function(function: pg_sys::Oid) -> Option<CString> {
    // SAFETY: catalog look-ups; the name is palloc'd, or NULL where there is none.
    unsafe {
        if pg_sys::get_func_namespace(function) != pg_sys::PG_CATALOG_NAMESPACE.into() {
            return None;
        }
        let name = pg_sys::get_func_name(function);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_owned())
    }
}

/// A string, or an array of some.
unsafe fn is_text(node: *mut pg_sys::Node) -> bool {
    // SAFETY: an expression's type, looked up in the catalog.
    unsafe {
        let of = pg_sys::getBaseType(pg_sys::exprType(node));
        let element = pg_sys::get_element_type(of);
        let of = if element == pg_sys::InvalidOid {
            of
        } else {
            element
        };
        let (mut category, mut is_preferred) = (0, false);
        pg_sys::get_type_category_preferred(of, &mut category, &mut is_preferred);
        byte_of(category) == pg_sys::TYPCATEGORY_STRING
    }
}
