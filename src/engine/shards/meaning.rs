//! Settings that change what an expression or a condition means. A node takes those of the session that the run is in, where
//! its own are others: what has expired is the same on all.

use crate::pg::{self, Argument};
use core::ffi::CStr;
use std::collections::BTreeMap;
use std::ffi::CString;

/// Which they are; each of them is anybody's to set.
const NAMES: [&CStr; 13] = [
    c"search_path",
    c"TimeZone",
    c"DateStyle",
    c"IntervalStyle",
    c"transform_null_equals",
    c"standard_conforming_strings",
    c"array_nulls",
    c"bytea_output",
    c"extra_float_digits",
    c"default_text_search_config",
    c"lc_monetary",
    c"lc_numeric",
    c"lc_time",
];

/// Their values.
pub type Meaning = BTreeMap<String, String>;

/// Those of this session.
pub fn of_session() -> Meaning {
    let names: Vec<_> = NAMES.iter().map(|name| name.to_string_lossy()).collect();
    let settings: Vec<(String, Option<String>)> = pg::query(
        "SELECT s, pg_catalog.current_setting(s) \
         FROM pg_catalog.string_to_table($1, ' ') AS s",
        &[Argument::text(&names.join(" "))],
    );
    settings
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Sets them for this session, and says whether any was another one. ERROR where one does not take the value; `Err`: the
/// name of a setting that is none of them.
pub fn take(meaning: &Meaning) -> Result<bool, String> {
    let own = of_session();
    let mut has_set = false;
    for (name, value) in meaning {
        let known = NAMES
            .iter()
            .find(|known| known.to_bytes() == name.as_bytes());
        let (Some(known), Ok(text)) = (known, CString::new(value.as_str())) else {
            return Err(name.clone());
        };
        if own.get(name) != Some(value) {
            pg::set_for_session(known, &text);
            has_set = true;
        }
    }
    Ok(has_set)
}
