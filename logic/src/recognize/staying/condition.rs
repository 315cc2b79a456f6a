//! Which conditions may be a reason to keep a row.

use crate::framework::ColumnType;
use crate::keeping::{GOES, any, begins};

/// Whether it says yes or no to something that may be a reason to keep a row: all but what is known to be none.
pub(super) fn is_condition(words: &[String], column_type: ColumnType) -> bool {
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
    const WORDS: &[&str] = &[
        "2fa",
        "accepted",
        "alive",
        "android",
        "api",
        "consent",
        "cookie",
        "cookies",
        "customer",
        "dark",
        "debug",
        "demo",
        "desktop",
        "dirty",
        "employee",
        "factor",
        "fido",
        "gdpr",
        "given",
        "http",
        "incognito",
        "ios",
        "javascript",
        "js",
        "mfa",
        "mobile",
        "mode",
        "new",
        "notifications",
        "oauth",
        "online",
        "only",
        "otp",
        "passed",
        "passkey",
        "proxy",
        "push",
        "secure",
        "sso",
        "staff",
        "superuser",
        "suspicious",
        "tablet",
        "terms",
        "test",
        "tor",
        "totp",
        "touch",
        "tv",
        "valid",
        "vpn",
        "webauthn",
    ];
    // Say nothing themselves.
    const BESIDE: &[&str] = &[
        "account",
        "app",
        "are",
        "at",
        "auth",
        "been",
        "browser",
        "by",
        "client",
        "completed",
        "device",
        "done",
        "email",
        "enabled",
        "flag",
        "from",
        "has",
        "in",
        "is",
        "login",
        "me",
        "on",
        "out",
        "password",
        "phone",
        "request",
        "required",
        "sess",
        "session",
        "soft",
        "state",
        "status",
        "token",
        "two",
        "user",
        "was",
        "web",
    ];
    // As databases have it that know no boolean.
    let is_question = words
        .first()
        .is_some_and(|first| QUESTIONS.contains(&&first[..]));
    // That a row may be deleted, where it is not that it has been.
    let is_allowed = |word: &String| {
        (begins(word, GOES) || word.starts_with("destroy"))
            && (word.ends_with("able") || any(words, &ALLOWED))
    };
    let may_be = match column_type {
        ColumnType::Bool => true,
        ColumnType::Int2 | ColumnType::Int4 => is_question || words.iter().any(is_allowed),
        ColumnType::Int8 | ColumnType::Text => {
            is_question && words.len() > 1
                || words
                    .iter()
                    .any(|word| word.ends_with("able") && is_allowed(word))
        }
        _ => false,
    };
    let is_known = |word: &String| {
        begins(word, &BEGINNINGS) && !is_allowed(word) || WORDS.contains(&&word[..])
    };
    let is_beside = |word: &String| BESIDE.contains(&&word[..]);
    may_be
        && !(words.iter().any(is_known)
            && words.iter().all(|word| is_known(word) || is_beside(word)))
}

/// Beside a word for a deletion, says whether there may be one.
const ALLOWED: [&str; 6] = ["allow", "allowed", "auto", "can", "may", "ok"];

/// Begins the name of what is true or not.
const QUESTIONS: [&str; 4] = ["can", "has", "is", "was"];
