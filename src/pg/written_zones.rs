//! Texts that an expression reads as times, and time zones that are written in them or beside them.
//!
//! `UTC-05:00` and `GMT-0100` are POSIX to PostgreSQL: five hours, and a hundred, *ahead* of UTC, where whoever writes them means
//! behind it; and a `timestamp` has no place for the zone of the text that it is read from. Either way a row would be over hours
//! before its time.

use super::Relation;
use super::c::byte_of;
use super::expression::deparse;
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};

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

/// No letters of a zone: the T of ISO 8601, and a month.
const NO_ZONE: &str = "(?!t\\d|(jan|january|feb|february|mar|march|apr|april|may|june?|july?|aug|august|sept?|september|oct|october|nov|november|dec|december)[^a-z])";

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
    /// Matches where a zone is misread.
    fn pattern(self) -> String {
        match self {
            Reading::Instant => format!(r"\d\s*{NO_ZONE}[a-z]+[+-]?{HOURS}"),
            Reading::Naive => {
                format!(r"(:\d\d|t\d{{4,6}})(\.\d+)?\s*([ap]m\s*)?({NO_ZONE}[a-z]+)?[+-]{HOURS}")
            }
            Reading::Zone => format!(r"^\s*([a-z]*|<[^>]*>)[+-]?{HOURS}\s*$"),
        }
    }

    fn of_type(of: pg_sys::Oid) -> Option<Reading> {
        // SAFETY: looked up in the catalog; InvalidOid for what is neither.
        let (base, parts) = unsafe {
            let base = pg_sys::getBaseType(of);
            (
                base,
                [
                    pg_sys::get_element_type(base),
                    pg_sys::get_range_subtype(base),
                ],
            )
        };
        let part = parts.into_iter().find(|part| *part != pg_sys::InvalidOid);
        match part.unwrap_or(base) {
            pg_sys::TIMESTAMPTZOID | pg_sys::TIMETZOID => Some(Reading::Instant),
            pg_sys::TIMESTAMPOID | pg_sys::DATEOID => Some(Reading::Naive),
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
                condition: format!(
                    "{text} OPERATOR(pg_catalog.~*) {}",
                    pgrx::spi::quote_literal(reading.pattern())
                ),
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
            if u32::from(call.funcid)
                == pg_sys::F_MAKE_TIMESTAMPTZ_INT4_INT4_INT4_INT4_INT4_FLOAT8_TEXT
            {
                return arguments.tail().map(|zone| (zone, Reading::Zone));
            }
            let is_zoned = [
                pg_sys::F_TIMEZONE_TEXT_TIMESTAMP,
                pg_sys::F_TIMEZONE_TEXT_TIMESTAMPTZ,
            ]
            .contains(&u32::from(call.funcid));
            return arguments
                .head()
                .filter(|_| is_zoned)
                .map(|zone| (zone, Reading::Zone));
        }
        None
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
