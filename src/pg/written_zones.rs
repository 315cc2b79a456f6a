//! Texts that an expression reads as times, and what is in them that PostgreSQL reads otherwise than it is meant.
//!
//! `UTC-05:00` and `GMT-0100` are POSIX to PostgreSQL: five hours, and a hundred, *ahead* of UTC, where whoever writes them means
//! behind it; a `timestamp` has no place for the zone of the text that it is read from; and where DateStyle is YMD, `05 Jan 30` is
//! in 2005. Each way a row would be over before its time.

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
    /// True of the rows where it is misread, as SQL.
    pub condition: String,
    /// How the text is read.
    pub reading: Reading,
}

/// Begins hours that are not zero, or behind which a summer time is named: `UTC-5`, `UTC-5h`, `GMT0BST`.
const HOURS: &str = r"([1-9]|0[0:]*[1-9a-z/_.])";

/// Begins an offset whose hours, or minutes, are not zero.
const OFFSET: &str = r"(0[0:.]*)?[1-9]";

/// Zones' names with a number in them. Of POSIX specifications, those whose summer time begins and ends when PostgreSQL has it
/// begin and end for all of them, as in the United States: `CET-1CEST` is an hour ahead for some weeks.
const NAMES: &str =
    r"(etc/gmt[+-][1-9]\d?|(a|ak|c|e|m|p)st\+?[4-9](a|ak|c|e|m|p)dt)(?![-+/_.:a-z\d])";

/// Words at which PostgreSQL ends a field where a digit or a + follows: ParseDateTime() looks them up. So no zone begins there.
const FIELDS: &str = "ad|allballs|am|at|bc|d|dow|doy|dst|epoch|fri|friday|h|infinity|isodow|isoyear|j|jd|julian|m|mon|monday|now|on|pm|s|sat|saturday|sun|sunday|t|thu|thur|thurs|thursday|today|tomorrow|tue|tues|tuesday|wed|weds|wednesday|y|yesterday";

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
    /// As a date, be it an instant's or not, in which the year may have two digits.
    Order,
    /// By `to_timestamp()`, which drops what its format does not say.
    Format(Format),
}

/// What the format reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Format {
    has_zone: bool,
    has_half: bool,
    has_hour: bool,
}

impl Reading {
    /// Matches every text in which something may be misread, and hardly another one. Matching it takes a tenth of the time.
    fn suspicious(self) -> &'static str {
        match self {
            Reading::Instant => {
                "[A-Za-z/_.:][+-]|[A-SU-Za-z_/][0-9]|[A-Za-z/_.:]T[0-9]|[A-Za-z/_][.:]+[0-9]|[Pp][Mm][A-Za-z/.]"
            }
            Reading::Naive => "[^-0-9:.TZ ]|T.*T|Z.|.{8}.*-|[:. ].*-|^-",
            Reading::Zone => "[0-9]",
            Reading::Order => "[A-Za-z]{3}",
            Reading::Format(_) => "[A-Za-z:+-]",
        }
    }

    /// The alternatives, each a list of patterns that all match, whatever the case, where something is misread. The cheapest of
    /// them is the first: a lookahead takes ten times as long.
    fn misread(self) -> Vec<Vec<String>> {
        match self {
            // A word with a number behind it is POSIX to PostgreSQL, wherever it begins, and whatever follows; but for dates with
            // the month by name, as long as there is no other date. A PM that something is glued to is none.
            Reading::Instant => {
                let glued = r"pm([-/.]|[a-z][a-z/_.:]*[-+\d])";
                let posix = |but: &str| {
                    format!(r"(^|[^a-z/]/*)({but}[a-z]+([/.][a-z/_.:]*)?[+-]?{HOURS}|{glued})")
                };
                let no_zone = format!(r"(?!{NAMES}|({FIELDS}|{DATES})[+\d]|({DATES})[-/.])");
                let date = format!(
                    r"((^|[^:\d.])\d+[-/.][\da-z]|\d{{8}}|j\d{{5}}|({DATES})[-/., ]*\d|\d *({DATES}))"
                );
                let month =
                    format!(r"({date}.*[^a-z]|\d{{8}})({DATES})([-/.]|[/.][a-z/_.:]*[+-]){HOURS}");
                vec![vec![posix(""), posix(&no_zone)], vec![posix(""), month]]
            }
            // A sign that is in no date, a word that may be a zone's, or both.
            Reading::Naive => {
                let sign = format!(
                    r"\+\s*{OFFSET}|(^|[^-\da-z]|:[\d:.]*|[./]\d+|\d{{6}}|t\d{{4}})-\s*{OFFSET}|\d\D+\d{{4}}-(0[1-9]|[1-9]\d?|00:\d\d)(:\d\d)*([^-\d:]|$)"
                );
                let word = format!(r"(^|[^a-z])(?!({NO_ZONES}|{DATES}){END})[a-z]");
                let is_word = "[a-su-y]|[tz][tz]".to_owned();
                let mut alternatives = vec![vec![sign], vec![is_word, word]];
                alternatives.extend(Reading::Instant.misread());
                alternatives
            }
            // Whatever stands before the number is a name to PostgreSQL; but for the names that have one.
            Reading::Zone => vec![vec![format!(
                r"^(?!\s*{NAMES}\s*$).*([1-9]|\d[\d:]*[^\d:])"
            )]],
            // `05 Jan 30`, `Jan 05 30`, `Jan 05 10:00:00 30`
            Reading::Order => vec![vec![
                format!("({DATES})"),
                format!(
                    r"(^|[^\d:.])\d\d?[-/., ]*({DATES})[-/., ]*\d\d?([^\d:]|$)|(^|[^a-z])({DATES})[-/., ]*\d\d?([-/., ]+|[ ,]+\d\d?:[\d:.]+\D*\s)\d\d?([^\d:]|$)"
                ),
            ]],
            Reading::Format(format) => vec![vec![format.misread()]],
        }
    }

    /// True of a text, as SQL, in which something is misread, as SQL.
    fn condition(self, text: &str) -> String {
        let matches = |operator: &str, pattern: &str| {
            let pattern = pgrx::spi::quote_literal(pattern);
            format!("{text} OPERATOR(pg_catalog.{operator}) {pattern}")
        };
        let all = |patterns: &Vec<String>| {
            let all: Vec<_> = patterns.iter().map(|one| matches("~*", one)).collect();
            all.join(" AND ")
        };
        let alternatives: Vec<_> = self.misread().iter().map(all).collect();
        format!(
            "({} AND ({}))",
            matches("~", self.suspicious()),
            alternatives.join(" OR ")
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

impl Format {
    fn of(format: &str) -> Format {
        let format = format.to_ascii_uppercase();
        let has = |patterns: &[&str]| patterns.iter().any(|pattern| format.contains(pattern));
        Format {
            has_zone: has(&["TZ", "OF"]),
            has_half: has(&["AM", "PM", "A.M.", "P.M."]),
            has_hour: has(&["HH", "SSSS"]),
        }
    }

    /// Matches what the format drops: a zone or an offset behind the time, the half of the day, all of the time.
    fn misread(self) -> String {
        let behind = r"(:\d\d([.,]\d+)?|\s)[^\da-z]*([ap]\.?m\.?)?[^\da-z]*?";
        let zone = format!(
            r"\d\D*\+{OFFSET}|\d{behind}(utc|gmt|z)?-\s*{OFFSET}[\d:]*\W*$|\d\s*\W?(?!(ut|gmt)\W*$)([a-z]{{1,3}}[sd]t|[a-z]{{2,3}}t|mes?z|msk|[a-z]+/[a-z_/]+)\W*$"
        );
        let parts = [
            (!self.has_zone).then_some(&zone[..]),
            (!self.has_half).then_some(r"\d\s*p\.?m([^a-z]|$)"),
            (!self.has_hour).then_some(r"\d:\d\d"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        // A format that says all of it drops nothing.
        if parts.is_empty() {
            return "^(?!)".to_owned();
        }
        parts.join("|")
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
            let order =
                matches!(reading, Reading::Instant | Reading::Naive).then_some(Reading::Order);
            for reading in [reading].into_iter().chain(order) {
                search.found.push(WrittenZone {
                    condition: reading.condition(&text),
                    text: text.clone(),
                    reading,
                });
            }
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
            let name = name_of_function(call.funcid)?;
            return match name.as_bytes() {
                // AT TIME ZONE
                b"timezone" => Some((arguments.head()?, Reading::Zone)),
                b"make_timestamptz" | b"date_trunc" | b"date_add" | b"date_subtract" => {
                    Some((arguments.tail()?, Reading::Zone))
                }
                // As a cast has it.
                b"timestamptz_in" | b"timetz_in" | b"timestamp_in" | b"date_in" | b"time_in" => {
                    Some((arguments.head()?, Reading::of_type(call.funcresulttype)?))
                }
                // The type is an argument; a text of which it is not known may have any.
                b"array_in" | b"range_in" | b"multirange_in" | b"domain_in" => {
                    let reading = match constant(arguments.get_ptr(1)?) {
                        Some(of) => Reading::of_type(pg_sys::Oid::from_datum(of, false)?)?,
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
