//! Which columns hold how long a row lives.

use super::end::is_later_end;
use crate::framework::ColumnType;
use crate::keeping::{any, begins, plain};
use crate::kind::Kind;
use crate::meaning::{Meaning, is_amount, meaning};
use crate::recognize::Column;
use crate::table_name::words;

/// Whether it is a length of time after which the row is over: how long a row lives is then said in the row.
pub fn is_length(column: &Column) -> bool {
    const WORDS: &[&str] = &[
        "dur",
        "duracao",
        "duracion",
        "duration",
        "durata",
        "duree",
        "geldigheid",
        "geldigheidsduur",
        "lease",
        "lifespan",
        "lifetime",
        "timeout",
        "ttl",
        "validity",
        "vigencia",
    ];
    const LIVES: [&str; 6] = ["good", "keep", "live", "lives", "stays", "valid"];
    // Ends a longer word: `lebensdauer`, `restlaufzeit`, `sessieduur`.
    const ENDS: [&str; 4] = ["dauer", "duur", "laufzeit", "looptijd"];
    let words = parts(&column.name);
    let is_time = any(&words, &TIMES);
    let is_end = matches!(meaning(&column.name), Meaning::Expiry | Meaning::End);
    let is_most = any(&words, &["max"]) && any(&words, &["age", "idle", "inactive"]);
    let lives = any(&words, &LIVES) && (any(&words, &["for"]) || is_time)
        || any(&words, &["live"]) && any(&words, &["to"])
        || words
            .iter()
            .any(|word| begins(word, &["geldig", "gueltig", "gultig"]))
            && is_time
        || any(&words, &IDLE) && (any(&words, &["length", "limit", "max"]) || is_time);
    let expires = words.iter().any(|word| word.starts_with("expir")) && is_time;
    let is_named = any(&words, WORDS)
        || words
            .iter()
            .any(|word| ENDS.iter().any(|end| word.ends_with(end)));
    let is_left = any(&words, &["left", "remaining"]) && is_time;
    let is_so = is_named || is_left || is_most || lives || is_end && is_amount(&column.name);
    let is_number = column.column_type.kind().is_some_and(Kind::is_number);
    match column.column_type {
        ColumnType::Interval | ColumnType::Other => is_so,
        // Of a text it takes more than a time: that may be an instant's.
        ColumnType::Text => {
            let is_instant = is_later_end(column) || any(&words, &["time"]);
            let last = words.last().map(String::as_str).unwrap_or_default();
            let ends = is_end && (is_time || ["for", "in", "within"].contains(&last));
            is_named || is_left || (is_most || lives || ends || expires) && !is_instant
        }
        ColumnType::Int2 => is_so || is_counted_in_time(&words, &column.name),
        _ => is_number && (is_so || is_counted_in_time(&words, &column.name)),
    }
}

/// `minutes`, `policy_days`, `idle`, `life`: whether a number of that name is a length of time that is not over.
fn is_counted_in_time(words: &[String], name: &str) -> bool {
    const UNITS: [&str; 21] = [
        "days", "dias", "giorni", "heures", "horas", "hours", "hrs", "jours", "mins", "minuten",
        "minutes", "minuti", "minutos", "mois", "months", "secs", "seconds", "stunden", "tage",
        "weeks", "years",
    ];
    const ONE: [&str; 7] = ["day", "hour", "min", "minute", "month", "sec", "second"];
    // What has passed, the zone of somebody's clock, and an instant's unit.
    const OTHERS: [&str; 23] = [
        "at", "business", "elapsed", "epoch", "late", "latency", "offset", "office", "online",
        "opening", "passed", "played", "response", "since", "spent", "timezone", "total", "tz",
        "unix", "utc", "watched", "working", "zone",
    ];
    const LENGTHS: &[&str] = &[
        "idle",
        "keepalive",
        "life",
        "period",
        "periode",
        "periodo",
        "plazo",
        "prazo",
        "term",
        "zeitraum",
        "\u{441}\u{440}\u{43e}\u{43a}",
    ];
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_unit = UNITS.contains(&last) || ONE.contains(&last) && any(words, &IDLE);
    let is_past = meaning(name).event().is_some() || any(words, &OTHERS);
    (is_unit || LENGTHS.contains(&last)) && !is_past
        || any(words, &["sliding", "\u{441}\u{440}\u{43e}\u{43a}"])
}

/// Beside a word for a time, or for the most of it, says how long nothing may happen.
const IDLE: [&str; 5] = ["idle", "inactive", "inactivity", "session", "sess"];

/// The words of a name without their accents, whether they are joined or apart: `maxage` and `max_age`, `time_out` and `timeout`.
fn parts(name: &str) -> Vec<String> {
    const TWO: [[&str; 2]; 4] = [
        ["keep", "alive"],
        ["life", "span"],
        ["life", "time"],
        ["time", "out"],
    ];
    let mut parts: Vec<String> = Vec::new();
    for word in words(name) {
        let word = plain(&word);
        let joined = split(&word).unwrap_or_else(|| vec![&word]);
        for part in joined {
            match parts.last_mut() {
                Some(before) if TWO.contains(&[&before[..], part]) => before.push_str(part),
                _ => parts.push(part.to_owned()),
            }
        }
    }
    parts
}

/// The known words that a word is made of, if it is made of nothing else.
fn split(word: &str) -> Option<Vec<&str>> {
    const KNOWN: &[&str] = &[
        "age",
        "alive",
        "auth",
        "cookie",
        "dauer",
        "day",
        "days",
        "duration",
        "duur",
        "expiration",
        "expire",
        "expires",
        "expiry",
        "for",
        "gueltigkeits",
        "hours",
        "idle",
        "in",
        "inactivity",
        "keep",
        "length",
        "life",
        "limit",
        "login",
        "max",
        "min",
        "mins",
        "minutes",
        "months",
        "out",
        "seconds",
        "secs",
        "sess",
        "sessie",
        "session",
        "sitzungs",
        "span",
        "time",
        "token",
        "ttl",
        "user",
        "valid",
        "validity",
        "web",
        "weeks",
    ];
    if word.is_empty() {
        return Some(Vec::new());
    }
    KNOWN.iter().find_map(|known| {
        let rest = split(word.strip_prefix(known)?)?;
        Some([&word[..known.len()]].into_iter().chain(rest).collect())
    })
}

/// What lengths of time are counted in.
pub(super) const TIMES: [&str; 16] = [
    "days", "hours", "hrs", "mins", "minuten", "minutes", "minutos", "minuti", "months", "secs",
    "seconds", "stunden", "tage", "time", "weeks", "years",
];
