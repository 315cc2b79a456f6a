//! Which columns may hold another end of the row, or a later use of it.

use crate::framework::ColumnType;
use crate::keeping::{GOES, any, begins, plain};
use crate::meaning::{Meaning, is_amount, meaning};
use crate::recognize::Column;
use crate::table_name::words;

/// Begins the words for a later end, in a column that holds one.
const LATER: &[&str] = &[
    "cutoff", "dead", "eol", "extens", "goodthru", "lapse", "prolong", "retire", "sunset",
    "validity",
];

/// Ends the name of a later end: `extended_to`.
const UP_TO: &[&str] = &["thru", "through", "till", "to"];

/// Ends the name of an instant that is written as a text.
const OF_AN_INSTANT: &[&str] = &[
    "ablauf",
    "ate",
    "echeance",
    "hasta",
    "scadenza",
    "vencimiento",
    "vervaldatum",
    "after",
    "at",
    "bis",
    "date",
    "deadline",
    "due",
    "end",
    "ends",
    "exp",
    "on",
    "override",
    "through",
    "thru",
    "till",
    "time",
    "to",
    "until",
];

/// Whether it may hold another end of the row: `refresh_until`, `refreshTokenExpiresAt`, and every instant of which the name
/// does not say that something happened then: `use_by`. That somebody has logged out, or what comes next, is none.
pub(in crate::recognize) fn is_later_end(column: &Column) -> bool {
    const NONE: [&str; 4] = ["alive", "logout", "next", "void"];
    const ENDS: [&str; 4] = ["absolute", "cutoff", "deadline", "eol"];
    let words = words(&column.name);
    let meaning = meaning(&column.name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    if words.is_empty() || any(&words, &NONE) && !is_to_come(&words) {
        return false;
    }
    let Some(kind) = column.column_type.kind() else {
        return match column.column_type {
            ColumnType::Range => true,
            ColumnType::Text | ColumnType::Json => {
                let is_instant = OF_AN_INSTANT.contains(&last)
                    || last.starts_with("expir")
                    || words.iter().any(|word| word.starts_with("expir"))
                        && any(&words, &["at", "date", "time"]);
                let is_end = matches!(meaning, Meaning::Expiry | Meaning::End);
                is_end && is_instant || is_number_of_an_end(&words)
            }
            _ => false,
        };
    };
    let is_end = matches!(meaning, Meaning::Expiry | Meaning::End)
        && !(kind.is_number() && is_amount(&column.name));
    let is_later = UP_TO.contains(&last)
        || words
            .iter()
            .any(|word| begins(word, LATER) && !word.ends_with("ed"))
        || is_last_moment(&words)
        || ["at", "date", "on", "time"].contains(&last)
            && words
                .iter()
                .any(|word| begins(word, GOES) && !word.ends_with("ed"))
        || is_not_before(&words);
    let is_unclear = meaning == Meaning::Unclear && !any(&words, &["last", "sign"])
        || meaning == Meaning::LastUse && any(&words, &["invalid", "valid"]);
    if kind.is_number() {
        is_end || any(&words, &ENDS) || is_number_of_an_end(&words) || is_not_before(&words)
    } else {
        is_end || is_later || is_unclear
    }
}

/// Whether an instant is one that is to come, whatever happens then: `auto_logout_at`, `next_expiry`, `void_after`.
fn is_to_come(words: &[String]) -> bool {
    const WORDS: [&str; 8] = [
        "after", "auto", "before", "end", "force", "forced", "till", "until",
    ];
    any(words, &WORDS)
        || words
            .iter()
            .any(|word| begins(word, &["deadline", "expir", "valid"]))
}

/// `last_day`, `final_date`, `ultimo_dia`: not when something was done last.
fn is_last_moment(words: &[String]) -> bool {
    const LAST: [&str; 5] = ["dern", "laatst", "last", "letzt", "ultim"];
    const MOMENTS: [&str; 14] = [
        "allowed",
        "chance",
        "dag",
        "data",
        "date",
        "datum",
        "day",
        "dia",
        "fecha",
        "jour",
        "moment",
        "permitted",
        "possible",
        "tag",
    ];
    let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
    let is_last = words.iter().any(|word| begins(word, &LAST));
    words.iter().any(|word| word.starts_with("final"))
        || is_last
            && (any(&words, &MOMENTS)
                || words
                    .iter()
                    .any(|word| begins(word, &["geldig", "gueltig", "gultig", "valid"])))
}

/// `delete_not_before`, `purge_earliest`
fn is_not_before(words: &[String]) -> bool {
    words.iter().any(|word| begins(word, GOES)) && any(words, &["before", "earliest", "notbefore"])
}

/// `extended_to`, `use_by`, `best_before`, `paid_thru`, `max_expiry`, and `SessionNotOnOrAfter`, as SAML has it: an instant, in
/// spite of its type.
fn is_number_of_an_end(words: &[String]) -> bool {
    const LONGER: [&str; 14] = [
        "book", "extend", "good", "keep", "leas", "licen", "paid", "prepaid", "prolong", "renew",
        "rent", "subscri", "use", "valid",
    ];
    const LAST: [&str; 7] = ["before", "by", "end", "thru", "through", "till", "to"];
    let is_up_to = words.last().is_some_and(|last| {
        LAST.contains(&&last[..]) && last != "by" || last == "by" && words.len() == 2
    });
    let is_longer = words.iter().any(|word| {
        let is_done = word.ends_with("ed") || word.ends_with("paid");
        begins(word, &LONGER) && !(is_done && any(words, &["by"])) && word != "user"
    });
    let is_not_after = words.ends_with(&["or", "after"].map(str::to_owned))
        || words.concat().ends_with("notonorafter");
    is_not_after
        || is_up_to && (is_longer || any(words, &["best"]))
        || any(words, &["max", "maximum"]) && words.iter().any(|word| word.starts_with("expir"))
}

/// Whether it may hold a later use of the row than the framework's column: `last_seen_at`, `accessed_at`.
pub(in crate::recognize) fn is_later_use(column: &Column) -> bool {
    const BEGINNINGS: [&str; 15] = [
        "access",
        "activ",
        "extended",
        "heartbeat",
        "last",
        "latest",
        "ping",
        "poll",
        "recent",
        "refresh",
        "remember",
        "renew",
        "request",
        "seen",
        "touch",
    ];
    let words = words(&column.name);
    let is_use = |word: &String| {
        begins(word, &BEGINNINGS)
            || matches!(&word[..], "usage" | "used" | "use")
            || word.contains("visit")
    };
    let is_instant = column
        .column_type
        .kind()
        .is_some_and(|kind| !kind.is_number() || is_number_of_an_instant(&words));
    is_instant
        && !is_amount(&column.name)
        && meaning(&column.name) == Meaning::LastUse
        && words.iter().any(is_use)
}

/// `last`, `last_seen`, `accessed_at`: not what was seen last, as in `last_ip`.
fn is_number_of_an_instant(words: &[String]) -> bool {
    let is_last = words.last().is_some_and(|word| {
        word == "last"
            || word.contains("visit")
            || begins(word, &["access", "activ", "seen", "use"])
    });
    any(words, &["at", "on", "time", "ts"]) || any(words, &["last"]) && is_last
}
