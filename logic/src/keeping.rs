//! Words that say that something stays, or does not go, in the name of a column or of a table.

use crate::meaning::without_accent;

/// Begins what becomes of a row that goes.
pub const GOES: &[&str] = &[
    "apag",
    "borr",
    "cancell",
    "clean",
    "clear",
    "delet",
    "destruct",
    "effac",
    "elimin",
    "eras",
    "evict",
    "exclu",
    "expir",
    "gc",
    "loesch",
    "losch",
    "prun",
    "purg",
    "reap",
    "remov",
    "revoc",
    "revok",
    "supprim",
    "terminat",
    "timeout",
    "verwijder",
];

/// `never_expires`, `expiry_disabled`, `deletion_protection`, `blocked_from_deletion`, `no_borrar`
pub fn is_never(words: &[String]) -> bool {
    const NOT: [&str; 19] = [
        "disable", "disabled", "dont", "ignore", "kein", "keine", "nao", "ne", "never", "nicht",
        "niet", "no", "non", "not", "pas", "sem", "sin", "skip", "without",
    ];
    const STOPPED: [&str; 5] = ["disabled", "ignored", "never", "skipped", "suspended"];
    const PREVENTED: [&str; 11] = [
        "block", "defer", "den", "disallow", "forbid", "lock", "postpon", "prevent", "prohibit",
        "protect", "suspend",
    ];
    const GLUED: [&str; 9] = [
        "neverexpir",
        "noexpir",
        "donotdelet",
        "nodelet",
        "nogc",
        "endnever",
        "neverend",
        "loeschsperr",
        "loschsperr",
    ];
    let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
    let words = &words[..];
    let glued = words.concat();
    let goes = words.iter().any(|word| begins(word, GOES)) || any(words, &["end"]);
    let is_prevented = goes && words.iter().any(|word| begins(word, &PREVENTED));
    is_prevented
        || words.windows(2).any(|pair| {
            (NOT.contains(&&pair[0][..]) && begins(&pair[1], GOES))
                || (begins(&pair[0], GOES) && STOPPED.contains(&&pair[1][..]))
        })
        || GLUED.iter().any(|part| glued.contains(part))
}

/// A word without its accents.
pub fn plain(word: &str) -> String {
    word.chars().map(without_accent).collect()
}

/// Whether one of the words is in the list.
pub fn any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&&word[..]))
}

/// Whether the word begins with one of the list.
pub fn begins(word: &str, list: &[&str]) -> bool {
    list.iter().any(|part| word.starts_with(part))
}
