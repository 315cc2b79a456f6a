//! What a column that a framework does not know says of a row's life past the framework's instant: that another end follows,
//! that the row stays, or that something is in it which is worth more.
//!
//! A word too many here is a question too many; a word too few is a row that nobody can bring back.

use super::Column;
use crate::framework::ColumnType;
use crate::kind::Kind;
use crate::meaning::{Meaning, is_amount, meaning};
use crate::table_name::words;

/// Begins the words for a later end, in a column that holds one.
const LATER: &[&str] = &[
    "cutoff", "dead", "eol", "extens", "goodthru", "lapse", "prolong", "retire", "sunset",
    "validity",
];

/// Ends the name of a later end: `extended_to`.
const UP_TO: &[&str] = &["thru", "through", "till", "to"];

/// Ends the name of an instant that is written as a text.
const OF_AN_INSTANT: [&str; 16] = [
    "after", "at", "bis", "date", "deadline", "due", "end", "ends", "on", "override", "through",
    "thru", "till", "time", "to", "until",
];

/// Whether it may hold another end of the row: `refresh_until`, `refreshTokenExpiresAt`, and every instant of which the name
/// does not say that something happened then: `use_by`. That somebody has logged out, or what comes next, is none.
pub(super) fn is_later_end(column: &Column) -> bool {
    const NONE: [&str; 4] = ["alive", "logout", "next", "void"];
    const ENDS: [&str; 4] = ["absolute", "cutoff", "deadline", "eol"];
    let words = words(&column.name);
    let meaning = meaning(&column.name);
    let Some(kind) = column.column_type.kind() else {
        return match column.column_type {
            ColumnType::Range => true,
            ColumnType::Text | ColumnType::Json => {
                let is_instant = words.last().is_some_and(|last| {
                    OF_AN_INSTANT.contains(&&last[..]) || last.starts_with("expir")
                });
                matches!(meaning, Meaning::Expiry | Meaning::End) && is_instant
            }
            _ => false,
        };
    };
    let is_end = matches!(meaning, Meaning::Expiry | Meaning::End)
        && !(kind.is_number() && is_amount(&column.name));
    let is_later = words.last().is_some_and(|last| UP_TO.contains(&&last[..]))
        || words
            .iter()
            .any(|word| begins(word, LATER) && !word.ends_with("ed"));
    let is_unclear = meaning == Meaning::Unclear && !any(&words, &["last"])
        || meaning == Meaning::LastUse && any(&words, &["invalid", "valid"]);
    let may_be = if kind.is_number() {
        is_end || any(&words, &ENDS)
    } else {
        is_end || is_later || is_unclear
    };
    may_be && !words.is_empty() && !any(&words, &NONE)
}

/// Whether it is a length of time after which the row is over: how long a row lives is then said in the row.
pub fn is_length(column: &Column) -> bool {
    const WORDS: [&str; 3] = ["lifetime", "timeout", "ttl"];
    let words = words(&column.name);
    let is_number = column.column_type.kind().is_some_and(Kind::is_number);
    let is_end = matches!(meaning(&column.name), Meaning::Expiry | Meaning::End);
    let is_most = any(&words, &["max"]) && any(&words, &["age", "idle", "inactive"]);
    (is_number || column.column_type == ColumnType::Interval)
        && (any(&words, &WORDS) || is_most || (is_end && is_amount(&column.name)))
}

/// Whether it may say that a row is to be kept.
pub(super) fn is_hold(column: &Column) -> bool {
    let words = words(&column.name);
    let is_hold = is_kept(&words)
        || is_never(&words)
        || is_flag(&words, column.column_type)
        || is_more_time(&words, column)
        || is_renewed_by(&words, column)
        || is_condition(&words, column.column_type)
        || any(&words, &WORTH);
    let is_alive = any(&words, &["alive"]) && column.column_type != ColumnType::Bool;
    is_hold && !words.is_empty() && !is_alive
}

/// Something has been bought.
const WORTH: [&str; 5] = ["amount", "balance", "invoice", "payment", "price"];

/// Whether it says yes or no to something that may be a reason to keep a row: all but what is known to be none.
fn is_condition(words: &[String], column_type: ColumnType) -> bool {
    const BEGINNINGS: [&str; 26] = [
        "activ",
        "admin",
        "anonym",
        "authenticat",
        "ban",
        "block",
        "bot",
        "clos",
        "confirm",
        "consum",
        "current",
        "delet",
        "destroy",
        "end",
        "expired",
        "gracious",
        "guest",
        "impersonat",
        "invalid",
        "logged",
        "remember",
        "revok",
        "terminat",
        "trust",
        "used",
        "verif",
    ];
    const WORDS: [&str; 18] = [
        "2fa",
        "alive",
        "desktop",
        "mfa",
        "mobile",
        "new",
        "online",
        "otp",
        "passkey",
        "secure",
        "staff",
        "superuser",
        "suspicious",
        "totp",
        "tv",
        "valid",
        "webauthn",
        "dirty",
    ];
    // As databases have it that know no boolean.
    let is_number = matches!(column_type, ColumnType::Int2 | ColumnType::Int4);
    let is_question = words
        .first()
        .is_some_and(|first| QUESTIONS.contains(&&first[..]));
    // That a row may be deleted, where it is not that it has been.
    let is_allowed = |word: &String| {
        begins(word, &["delet", "destroy"]) && (word.ends_with("able") || any(words, &ALLOWED))
    };
    (column_type == ColumnType::Bool || is_number && (is_question || words.iter().any(is_allowed)))
        && !words
            .iter()
            .any(|word| begins(word, &BEGINNINGS) && !is_allowed(word))
        && !any(words, &WORDS)
}

/// Beside a word for a deletion, says whether there may be one.
const ALLOWED: [&str; 6] = ["allow", "allowed", "auto", "can", "may", "ok"];

/// Begins the name of what is true or not.
const QUESTIONS: [&str; 4] = ["can", "has", "is", "was"];

/// Whether it says that a session is to last, where a lifetime follows its instant.
pub(super) fn is_remembered(column: &Column) -> bool {
    column.column_type == ColumnType::Bool
        && words(&column.name)
            .iter()
            .any(|word| word.starts_with("remember"))
}

/// `legal_hold`, `investigation_id`
fn is_kept(words: &[String]) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "aufbewahr",
        "bewaar",
        "complian",
        "conserv",
        "disput",
        "investigat",
        "lawsuit",
        "legalhold",
        "litigation",
        "onhold",
        "preserv",
        "retain",
        "retention",
        "subpoena",
    ];
    const WORDS: [&str; 8] = [
        "evidence",
        "held",
        "hold",
        "holds",
        "keep",
        "kept",
        "legal",
        "undeletable",
    ];
    words.iter().any(|word| begins(word, &BEGINNINGS)) || any(words, &WORDS)
}

/// `never_expires`, `expiry_disabled`, `deletion_protection`, `blocked_from_deletion`
fn is_never(words: &[String]) -> bool {
    const NOT: [&str; 10] = [
        "disable", "disabled", "dont", "ignore", "never", "no", "non", "not", "skip", "without",
    ];
    const GOES: [&str; 14] = [
        "clean", "clear", "delet", "erase", "evict", "expir", "gc", "prun", "purg", "remov",
        "revoc", "revok", "terminat", "timeout",
    ];
    const STOPPED: [&str; 5] = ["disabled", "ignored", "never", "skipped", "suspended"];
    const PREVENTED: [&str; 11] = [
        "block", "defer", "den", "disallow", "forbid", "lock", "postpon", "prevent", "prohibit",
        "protect", "suspend",
    ];
    const GLUED: [&str; 7] = [
        "neverexpir",
        "noexpir",
        "donotdelet",
        "nodelet",
        "nogc",
        "endnever",
        "neverend",
    ];
    let glued = words.concat();
    let goes = words.iter().any(|word| begins(word, &GOES)) || any(words, &["end"]);
    let is_prevented = goes && words.iter().any(|word| begins(word, &PREVENTED));
    is_prevented
        || words.windows(2).any(|pair| {
            (NOT.contains(&&pair[0][..]) && begins(&pair[1], &GOES))
                || (begins(&pair[0], &GOES) && STOPPED.contains(&&pair[1][..]))
        })
        || GLUED.iter().any(|part| glued.contains(part))
}

/// `is_permanent`, `pinned_at`. That a row has been archived may be why it can go, once it is over.
fn is_flag(words: &[String], column_type: ColumnType) -> bool {
    const FLAGS: [&str; 23] = [
        "archived",
        "autoextend",
        "autorenew",
        "endless",
        "eternal",
        "evergreen",
        "exempt",
        "exempted",
        "forever",
        "frozen",
        "immortal",
        "immutable",
        "indefinite",
        "infinite",
        "permanent",
        "persistent",
        "perpetual",
        "pinned",
        "protected",
        "renewable",
        "sticky",
        "unlimited",
        "whitelisted",
    ];
    if column_type == ColumnType::Bool {
        return any(words, &FLAGS) || FLAGS.contains(&&words.concat()[..]);
    }
    let mut last = words
        .iter()
        .rev()
        .skip_while(|word| any(&[(*word).clone()], &["at", "by", "on"]));
    let is_time = column_type.kind().is_some_and(|kind| !kind.is_number());
    // As booleans, which are asked about whatever they say.
    const NUMBERS: [&str; 5] = ["locked", "protect", "skip", "vip", "worm"];
    if matches!(column_type, ColumnType::Int2 | ColumnType::Int4) && any(words, &NUMBERS) {
        return true;
    }
    let is_locked_by = words
        .windows(2)
        .any(|pair| pair[0] == "locked" && pair[1] == "by");
    is_locked_by
        || last
            .next()
            .is_some_and(|word| FLAGS.contains(&&word[..]) && !(is_time && word == "archived"))
}

/// `grace_seconds`, `postponed_days`, and every interval: `extension`
fn is_more_time(words: &[String], column: &Column) -> bool {
    const PUT_OFF: [&str; 6] = ["defer", "delay", "extend", "postpon", "prolong", "renew"];
    const TIMES: [&str; 7] = [
        "days", "hours", "minutes", "months", "seconds", "time", "weeks",
    ];
    let is_number = column
        .column_type
        .kind()
        .is_some_and(|kind| kind.is_number());
    let is_more = words
        .iter()
        .any(|word| begins(word, &["extend", "extens", "grace"]) && !word.ends_with("ed"));
    let is_time = any(words, &TIMES);
    let is_put_off = words.iter().any(|word| begins(word, &PUT_OFF));
    let is_added = any(words, &["additional", "bonus", "extra", "plus"]);
    let is_least =
        any(words, &["min", "minimum"]) && (is_time || any(words, &["age", "lifetime", "ttl"]));
    column.column_type == ColumnType::Interval && !is_length(column)
        || is_number && (is_more || is_least || is_time && (is_put_off || is_added))
}

/// `refresh_token`, `refresh_ttl`: a session that is over comes back by it.
fn is_renewed_by(words: &[String], column: &Column) -> bool {
    const RENEWS: [&str; 5] = ["offline", "refresh", "refreshtoken", "remember", "renewal"];
    const BY: [&str; 7] = [
        "hash",
        "jwt",
        "key",
        "refreshtoken",
        "secret",
        "token",
        "ttl",
    ];
    let is_last = words
        .last()
        .is_some_and(|word| begins(word, &["refreshtoken"]) || word == "refresh");
    let is_length = is_length(column);
    let is_secret = matches!(
        column.column_type,
        ColumnType::Text | ColumnType::Bytea | ColumnType::Uuid | ColumnType::Json
    );
    (is_secret && (is_last || (any(words, &RENEWS) && any(words, &BY))))
        || (is_length && any(words, &RENEWS))
}

fn any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&&word[..]))
}

fn begins(word: &str, list: &[&str]) -> bool {
    list.iter().any(|part| word.starts_with(part))
}
