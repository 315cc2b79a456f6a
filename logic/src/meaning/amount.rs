//! Which numbers are no instants by their names: lengths of time, counts, keys.

use super::{Meaning, meaning};
use crate::table_name::words;

/// Ends the name of how long it is until something happens: `expires_in`, `delete_after`.
const UNTIL: &[&str] = &["after", "for", "in", "within"];

/// A length of time is counted in these.
const LENGTHS: &[&str] = &[
    "day", "days", "hour", "hours", "hrs", "min", "mins", "minute", "minutes", "month", "months",
    "sec", "second", "seconds", "secs", "week", "weeks", "year", "years",
];

/// Beside one of these, a unit is what an instant is counted in: `expires_at_seconds`.
const INSTANTS: &[&str] = &[
    "at",
    "date",
    "epoch",
    "on",
    "stamp",
    "time",
    "timestamp",
    "ts",
    "unix",
    "until",
    "utc",
];

/// Ends the name of a number that is no time at all.
const OTHERS: &[&str] = &[
    "age", "amount", "attempts", "balance", "by", "code", "counter", "ttl", "flag", "flags", "id",
    "ids", "index", "key", "len", "length", "level", "limit", "no", "nr", "num", "number", "order",
    "percent", "points", "port", "price", "quantity", "rate", "ratio", "retries", "rev",
    "revision", "score", "seq", "sequence", "size", "state", "status", "total", "tries", "type",
    "user", "uid", "version", "xp",
];

/// Begins what is counted where it ends in an s: `logins`, `updates`.
const COUNTED: &[&str] = &[
    "change",
    "edit",
    "login",
    "logon",
    "modification",
    "ping",
    "touch",
    "update",
    "view",
    "visit",
];

/// Whether a number of that name counts something, or is a length of time or a key, and no instant.
pub fn is_amount(name: &str) -> bool {
    let words = words(name);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&&word[..]));
    let Some(last) = words.last() else {
        return false;
    };
    let is_end = matches!(meaning(name), Meaning::Expiry | Meaning::End);
    let is_counted = last.ends_with('s') && COUNTED.iter().any(|part| last.contains(part));
    OTHERS.contains(&&last[..])
        || is_counted
        || words.iter().any(|word| is_count(word) || is_glued(word))
        || (is_end && UNTIL.contains(&&last[..]) && !words.iter().any(|word| word == "not"))
        || (is_end && any(LENGTHS) && !any(INSTANTS))
}

/// `count` and `updatecount`, but not `account`.
fn is_count(word: &str) -> bool {
    ["count", "counts"].iter().any(|end| word.ends_with(end)) && !word.contains("account")
}

/// `expiresin`, `expirydays`: the same in one word.
fn is_glued(word: &str) -> bool {
    const BEGINNINGS: [&str; 6] = [
        "expires",
        "expire",
        "expiry",
        "expiration",
        "lifetime",
        "timeout",
    ];
    let mut rests = BEGINNINGS
        .iter()
        .filter_map(|begin| word.strip_prefix(begin));
    rests.any(|rest| UNTIL.contains(&rest) || LENGTHS.contains(&rest) || OTHERS.contains(&rest))
}

/// Whether it is an instant only beside a token: `exp` is also the experience of a player.
pub fn needs_a_token(name: &str) -> bool {
    const OF_A_TOKEN: [&str; 12] = [
        "access", "at", "auth", "cookie", "jwt", "key", "on", "refresh", "sess", "session",
        "token", "unix",
    ];
    let words = words(name);
    words.iter().any(|word| word == "exp")
        && !words.iter().any(|word| OF_A_TOKEN.contains(&&word[..]))
}
