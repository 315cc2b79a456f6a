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

/// How often a node looks whether the coordinator is still there, in the middle of a statement.
const CLIENT_CHECK: (&CStr, &CStr) = (c"client_connection_check_interval", c"1s");

/// What the session had before, and is given back: its next statement may be somebody else's, where connections are pooled.
#[derive(Debug, Default)]
pub struct Taken {
    before: Vec<(&'static CStr, CString)>,
}

impl Taken {
    /// Sets for this session what an order says, and has it end with its client. ERROR where a setting does not take the value;
    /// `Err`: the name of a setting that is none of them.
    pub fn take(meaning: &Meaning) -> Result<Taken, String> {
        let own = of_session();
        let mut taken = Taken::default();
        for (name, value) in meaning {
            let known = NAMES
                .iter()
                .find(|known| known.to_bytes() == name.as_bytes());
            let (Some(known), Ok(text)) = (known, CString::new(value.as_str())) else {
                return Err(name.clone());
            };
            if own.get(name) != Some(value) {
                taken.set(known, &text, own.get(name).cloned().unwrap_or_default());
            }
        }
        let (name, value) = CLIENT_CHECK;
        if pg::client_is_not_looked_after() && pg::setting_takes(name, &value.to_string_lossy()) {
            taken.set(name, value, "0".to_owned());
        }
        Ok(taken)
    }

    fn set(&mut self, name: &'static CStr, value: &CStr, before: String) {
        pg::set_for_session(name, value);
        self.before
            .push((name, CString::new(before).unwrap_or_default()));
    }

    /// Whether any was another one.
    pub fn has_set(&self) -> bool {
        !self.before.is_empty()
    }

    /// Gives back what was there.
    pub fn give_back(&self) {
        for (name, value) in &self.before {
            if pg::server_setting(name).as_bytes() == value.to_bytes() {
                pg::reset_for_session(name);
            } else {
                pg::set_for_session(name, value);
            }
        }
    }
}
