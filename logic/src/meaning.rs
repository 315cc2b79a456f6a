//! What the name of a column says of the instant in it: that the row expires then, that it was used or made then, or
//! nothing of the kind.
//!
//! Of an instant in the past a lifetime is missing: without one, every row has expired. So a name that could be that of
//! such an instant counts as one, and a name that says no more than that something ends is not sure to mean the row.

mod amount;
mod languages;

pub use amount::{is_amount, needs_a_token};
pub use languages::without_accent;

use crate::table_name::words;

/// What happens, or has happened, at the instant that a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// The row expires.
    Expiry,
    /// Something ends, and the name does not say that it is the row.
    End,
    /// The row was to expire when it was last stored, and may have been used since. No name says so.
    StoredEnd,
    /// The row was used or changed for the last time.
    LastUse,
    /// The row was made.
    Creation,
    /// The name does not say.
    Unclear,
}

impl Meaning {
    /// What happened to the row at that instant, where it has a lifetime after it.
    pub fn event(self) -> Option<&'static str> {
        match self {
            Meaning::LastUse => Some("last used or changed"),
            Meaning::Creation => Some("created"),
            Meaning::StoredEnd => Some("to expire, as it was last stored"),
            Meaning::Expiry | Meaning::End | Meaning::Unclear => None,
        }
    }
}

/// What a single word adds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Says(Meaning),
    /// An instant, in the past if no other word says more.
    Whenever,
    /// Whatever has been done to it: locked, rotated, confirmed.
    Done,
    /// A number, and no instant.
    Amount,
    Neutral,
    Other,
}

/// What the name says, whatever its case and however its words are joined.
pub fn meaning(name: &str) -> Meaning {
    let names = joined_words(name);
    let words: Vec<Word> = names.iter().map(|word| classify(word)).collect();
    // The last word is what the thing is: at `expiry_checked_at` it was checked, at `login_expires` it expires.
    let telling = words
        .iter()
        .rev()
        .find(|word| matches!(word, Word::Says(_)));
    if words.contains(&Word::Amount) {
        return Meaning::Unclear;
    }
    // At `rotated_at` it was rotated; `Mixed Case` is something else.
    let last_of_weight = words
        .iter()
        .rposition(|word| !matches!(word, Word::Neutral | Word::Whenever));
    match telling {
        Some(Word::Says(Meaning::Expiry))
            if words.contains(&Word::Other) || words.contains(&Word::Done) =>
        {
            Meaning::End
        }
        Some(Word::Says(meaning)) => *meaning,
        None if last_of_weight.is_some_and(|place| is_done(&names, &words, place)) => {
            Meaning::LastUse
        }
        // A date is when something was, unless another word says that it ends then: `order_date`.
        None if words.contains(&Word::Whenever)
            || names.iter().any(|name| DATES.contains(&&name[..])) =>
        {
            Meaning::LastUse
        }
        _ => Meaning::Unclear,
    }
}

const DATES: &[&str] = &["date", "datum", "fecha", "dt"];

/// Whether the word there is what has been done at the instant: `rotated`, and before `at` also `read` and `gelesen`. What
/// is to happen is written with an s: `disappears_at`.
fn is_done(names: &[String], words: &[Word], place: usize) -> bool {
    let is_before_at = || {
        let last = names.last().map(String::as_str).unwrap_or_default();
        place + 1 == names.len() - 1 && BEHIND.contains(&last)
    };
    match words[place] {
        Word::Done => true,
        Word::Other => is_before_at() && !names[place].ends_with('s'),
        _ => false,
    }
}

/// Stands behind what has been done.
const BEHIND: &[&str] = &["at", "on", "am", "le", "el", "em", "il", "op"];

/// Says by its beginning that a row was used or changed.
const USED: &[&str] = &[
    "accessed",
    "activity",
    "authenticated",
    "check",
    "edit",
    "heartbeat",
    "last",
    "latest",
    "logged",
    "mtime",
    "notif",
    "ping",
    "polled",
    "prev",
    "received",
    "recent",
    "refreshed",
    "renewed",
    "reminded",
    "saved",
    "seen",
    "sent",
    "signin",
    "stored",
    "synced",
    "usage",
    "used",
    "viewed",
    "warned",
    "written",
    "wrote",
];

/// The same anywhere in a word, because many are written in one: `timemodified`, `lastlogin`.
const USED_ANYWHERE: &[&str] = &[
    "chang", "login", "logon", "modif", "touch", "updat", "visit",
];

/// Says by its beginning that a row was made.
const MADE: &[&str] = &[
    "added",
    "began",
    "begin",
    "birth",
    "booked",
    "born",
    "ctime",
    "entered",
    "generated",
    "happened",
    "issue",
    "join",
    "made",
    "occurred",
    "opened",
    "ordered",
    "placed",
    "posted",
    "published",
    "recorded",
    "registered",
    "requested",
    "signed",
    "since",
    "start",
    "uploaded",
];

/// The same anywhere in a word.
const MADE_ANYWHERE: &[&str] = &["creat", "insert"];

/// The same as a whole word; some are a token's registered claims.
const MADE_WORDS: &[&str] = &[
    "from",
    "iat",
    "reg",
    "regdate",
    "nbf",
    "notbefore",
    "validfrom",
    "validsince",
];

/// Begins the words for an end that need not be the row's.
const OTHER_ENDS: &[&str] = &[
    "archiv", "clos", "delet", "destroy", "discard", "due", "end", "finish", "kill", "logout",
    "next", "purge", "release", "remov", "revok", "stale", "stop", "terminat", "till", "until",
    "void",
];

/// Begins the words for a number that is no instant.
const AMOUNTS: &[&str] = &[
    "attempt", "count", "duration", "interval", "lifetime", "limit", "max", "min", "num", "size",
    "timeout", "ttl",
];

/// Ends the words for an instant.
const INSTANTS: &[&str] = &["access", "active", "refresh", "stamp", "time"];

/// Whole words that leave the meaning of the others alone.
const NEUTRAL: &[&str] = &[
    "at",
    "cache",
    "date",
    "entry",
    "epoch",
    "in",
    "micros",
    "millis",
    "milliseconds",
    "ms",
    "on",
    "row",
    "s",
    "sec",
    "seconds",
    "secs",
    "sess",
    "session",
    "sessions",
    "unix",
    "us",
    "utc",
];

/// Whole words, some of them made of two, that say that the row expires.
const EXPIRY_WORDS: &[&str] = &[
    "exp",
    "expat",
    "expdate",
    "exptime",
    "notafter",
    "validthrough",
    "validthru",
    "validtill",
    "validto",
    "validuntil",
];

fn classify(word: &str) -> Word {
    let word: &str = &word
        .chars()
        .map(languages::without_accent)
        .collect::<String>();
    let begins = |list: &[&str]| list.iter().any(|part| word.starts_with(part));
    let contains = |list: &[&str]| list.iter().any(|part| word.contains(part));
    if word.starts_with("expir") || EXPIRY_WORDS.contains(&word) {
        Word::Says(Meaning::Expiry)
    } else if begins(AMOUNTS) {
        Word::Amount
    } else if begins(MADE) || contains(MADE_ANYWHERE) || MADE_WORDS.contains(&word) {
        Word::Says(Meaning::Creation)
    } else if begins(USED) || contains(USED_ANYWHERE) {
        Word::Says(Meaning::LastUse)
    } else if begins(OTHER_ENDS) && is_participle(word) {
        // It ended then, and a lifetime may follow: `revoked_at`, `deleted_at`.
        Word::Says(Meaning::LastUse)
    } else if begins(OTHER_ENDS) || word.contains("expir") {
        Word::Says(Meaning::End)
    } else if let Some(meaning) = languages::meaning(word) {
        Word::Says(meaning)
    } else if is_participle(word) {
        Word::Done
    } else if INSTANTS.iter().any(|part| word.ends_with(part)) || word == "ts" {
        Word::Whenever
    } else if NEUTRAL.contains(&word) || languages::is_neutral(word) {
        Word::Neutral
    } else {
        Word::Other
    }
}

/// Whether it is something that has been done: `locked`, `rotated`.
fn is_participle(word: &str) -> bool {
    word.len() > 3 && word.ends_with("ed")
}

/// The words of a name. Two that only mean something together are one.
fn joined_words(name: &str) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words(name) {
        match joined.last_mut() {
            Some(before) if matches!(&before[..], "valid" | "not") => before.push_str(&word),
            // läuft ab
            Some(before)
                if word == "ab" && matches!(&before[..], "laeuft" | "l\u{e4}uft" | "lauft") =>
            {
                before.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}
