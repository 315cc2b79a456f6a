//! Texts that an expression reads as times, and what is in them that PostgreSQL reads otherwise than it is meant.
//!
//! `UTC-05:00` and `GMT-0100` are POSIX to PostgreSQL: five hours, and a hundred, *ahead* of UTC, where whoever writes them means
//! behind it; a `timestamp` has no place for the zone of the text that it is read from; and where DateStyle is YMD, `05 Jan 30` is
//! in 2005. Each way a row would be over before its time.

mod format;
mod reading;
mod words;

use super::Relation;
use super::c::byte_of;
use super::expression::deparse;
use core::ffi::{CStr, c_void};
use format::Format;
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};
pub use reading::Reading;
use std::ffi::CString;

/// A text that PostgreSQL does not read as it is meant, over one table.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenZone {
    /// The text, as SQL.
    pub text: String,
    /// True of the rows where it is misread, as SQL.
    pub condition: String,
    /// How the text is read, and what is true of the rows where that is why it is misread.
    pub readings: Vec<(Reading, String)>,
}

impl WrittenZone {
    fn new(text: String, reading: Reading) -> WrittenZone {
        let gate = reading.gate(&text);
        let readings = reading.clone().all().into_iter().map(|reading| {
            let condition = reading.condition(&text);
            (reading, condition)
        });
        let readings: Vec<_> = readings.collect();
        // Of an instant, the gate is cheaper without the order, which has one of its own.
        let is_gated = |one: &Reading| reading != Reading::Instant || *one != Reading::Order;
        let any = |gated: bool| {
            let any = readings.iter().filter(|(one, _)| is_gated(one) == gated);
            let any: Vec<_> = any.map(|(_, condition)| &condition[..]).collect();
            any.join(" OR ")
        };
        let mut condition = format!("({})", any(true));
        if let Some(gate) = gate {
            condition = format!("({gate} AND {condition})");
        }
        if !any(false).is_empty() {
            condition = format!("({condition} OR {})", any(false));
        }
        WrittenZone {
            text,
            condition,
            readings,
        }
    }
}

/// How a value of the type is read from a text, be it in an array or a range of it.
fn reading_of(of: pg_sys::Oid) -> Option<Reading> {
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
            search.found.push(WrittenZone::new(text, reading));
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
            return Some((coercion.arg.cast(), reading_of(coercion.resulttype)?));
        }
        if is_a(node, pg_sys::NodeTag::T_ArrayCoerceExpr) {
            let coercion = &*node.cast::<pg_sys::ArrayCoerceExpr>();
            return Some((coercion.arg.cast(), reading_of(coercion.resulttype)?));
        }
        if is_a(node, pg_sys::NodeTag::T_FuncExpr) {
            let call = &*node.cast::<pg_sys::FuncExpr>();
            let arguments = PgList::<pg_sys::Node>::from_pg(call.args);
            let name = name_of_function(call.funcid)?;
            return match name.as_bytes() {
                // AT TIME ZONE
                b"timezone" => Some((arguments.head()?, Reading::Zone)),
                b"make_timestamptz" | b"date_trunc" | b"date_add" | b"date_subtract" => {
                    Some((arguments.tail()?, Reading::Zone))
                }
                // As a cast has it.
                b"timestamptz_in" | b"timetz_in" | b"timestamp_in" | b"date_in" | b"time_in" => {
                    Some((arguments.head()?, reading_of(call.funcresulttype)?))
                }
                // The type is an argument; a text of which it is not known may have any.
                b"array_in" | b"range_in" | b"multirange_in" | b"domain_in" => {
                    let reading = match constant(arguments.get_ptr(1)?) {
                        Some(of) => reading_of(pg_sys::Oid::from_datum(of, false)?)?,
                        None => Reading::Naive,
                    };
                    Some((arguments.head()?, reading))
                }
                b"to_timestamp" => {
                    let format = constant(arguments.get_ptr(1)?)?;
                    let format = Format::of(&String::from_datum(format, false)?);
                    Some((arguments.head()?, Reading::Format(format)))
                }
                _ => None,
            };
        }
        None
    }
}

/// The value of a constant that is not null.
unsafe fn constant(node: *mut pg_sys::Node) -> Option<pg_sys::Datum> {
    // SAFETY: looked at as what its tag says.
    unsafe {
        let node = pg_sys::strip_implicit_coercions(node);
        if !is_a(node, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let constant = &*node.cast::<pg_sys::Const>();
        (!constant.constisnull).then_some(constant.constvalue)
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
                [
                    &b"json_populate_record"[..],
                    b"jsonb_populate_record",
                    b"record_in",
                ]
                .contains(&name.as_bytes())
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
        // What an input function takes.
        if of == pg_sys::CSTRINGOID {
            return true;
        }
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
