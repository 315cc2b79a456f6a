//! What a column that a framework does not know says of a row's life past the framework's instant: that another end follows,
//! that the row stays, or that something is in it which is worth more.
//!
//! A word too many here is a question too many; a word too few is a row that nobody can bring back.

use super::Column;
use crate::framework::ColumnType;
use crate::keeping::{GOES, any, begins, is_never, plain};
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
const OF_AN_INSTANT: [&str; 23] = [
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
pub(super) fn is_later_end(column: &Column) -> bool {
    const NONE: [&str; 4] = ["alive", "logout", "next", "void"];
    const ENDS: [&str; 4] = ["absolute", "cutoff", "deadline", "eol"];
    let words = words(&column.name);
    let meaning = meaning(&column.name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let Some(kind) = column.column_type.kind() else {
        return match column.column_type {
            ColumnType::Range => true,
            ColumnType::Text | ColumnType::Json => {
                let is_instant = OF_AN_INSTANT.contains(&last)
                    || last.starts_with("expir")
                    || words.iter().any(|word| word.starts_with("expir"))
                        && any(&words, &["at", "date", "time"]);
                matches!(meaning, Meaning::Expiry | Meaning::End) && is_instant
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
    let may_be = if kind.is_number() {
        is_end || any(&words, &ENDS) || is_number_of_an_end(&words) || is_not_before(&words)
    } else {
        is_end || is_later || is_unclear
    };
    may_be && !words.is_empty() && (!any(&words, &NONE) || is_to_come(&words))
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

/// `extended_to`, `use_by`, `best_before`, `max_expiry`: an instant, in spite of its type.
fn is_number_of_an_end(words: &[String]) -> bool {
    const LONGER: [&str; 7] = ["extend", "good", "keep", "prolong", "renew", "use", "valid"];
    const LAST: [&str; 7] = ["before", "by", "end", "thru", "through", "till", "to"];
    let is_up_to = words.last().is_some_and(|last| {
        LAST.contains(&&last[..]) && last != "by" || last == "by" && words.len() == 2
    });
    let is_longer = words.iter().any(|word| {
        begins(word, &LONGER) && !(word.ends_with("ed") && any(words, &["by"])) && word != "user"
    });
    is_up_to && (is_longer || any(words, &["best"]))
        || any(words, &["max", "maximum"]) && words.iter().any(|word| word.starts_with("expir"))
}

/// Whether it may hold a later use of the row than the framework's column: `last_seen_at`, `accessed_at`.
pub(super) fn is_later_use(column: &Column) -> bool {
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
        .is_some_and(|kind| !kind.is_number() || any(&words, &["at", "last", "on", "time", "ts"]));
    is_instant
        && !is_amount(&column.name)
        && meaning(&column.name) == Meaning::LastUse
        && words.iter().any(is_use)
}

/// Whether it is a length of time after which the row is over: how long a row lives is then said in the row.
pub fn is_length(column: &Column) -> bool {
    const WORDS: [&str; 15] = [
        "dauer",
        "duracao",
        "duracion",
        "duration",
        "durata",
        "duree",
        "geldigheid",
        "geldigheidsduur",
        "lebensdauer",
        "lifespan",
        "lifetime",
        "timeout",
        "ttl",
        "validity",
        "vigencia",
    ];
    const LIVES: [&str; 6] = ["good", "keep", "live", "lives", "stays", "valid"];
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
    let is_so = any(&words, &WORDS) || is_most || lives || is_end && is_amount(&column.name);
    let is_number = column.column_type.kind().is_some_and(Kind::is_number);
    match column.column_type {
        ColumnType::Interval | ColumnType::Other => is_so,
        // Of a text it takes more than a time: that may be an instant's.
        ColumnType::Text => {
            let is_instant = is_later_end(column) || any(&words, &["time"]);
            let last = words.last().map(String::as_str).unwrap_or_default();
            let ends = is_end && (is_time || ["for", "in", "within"].contains(&last));
            any(&words, &WORDS) || (is_most || lives || ends || expires) && !is_instant
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
    const LENGTHS: [&str; 8] = [
        "idle",
        "keepalive",
        "life",
        "period",
        "periode",
        "periodo",
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
const TIMES: [&str; 16] = [
    "days", "hours", "hrs", "mins", "minuten", "minutes", "minutos", "minuti", "months", "secs",
    "seconds", "stunden", "tage", "time", "weeks", "years",
];

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
    let is_alive = any(&words, &["alive"]) && column.column_type.kind().is_some();
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
        "factor",
        "flag",
        "from",
        "has",
        "in",
        "is",
        "login",
        "me",
        "on",
        "out",
        "passed",
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

/// Whether it says that a session is to last, where a lifetime follows its instant.
pub(super) fn is_remembered(column: &Column) -> bool {
    let is_flag = !matches!(column.column_type, ColumnType::Range | ColumnType::Json)
        && column.column_type.kind().is_none_or(Kind::is_number);
    const DEVICES: [&str; 6] = ["browser", "client", "computer", "device", "machine", "this"];
    let words = words(&column.name);
    let is_trusted = any(&words, &["trust"])
        && words
            .last()
            .is_some_and(|last| DEVICES.contains(&&last[..]));
    let is_said =
        words.iter().any(|word| word.starts_with("remember")) || any(&words, &["persist", "stay"]);
    is_flag && (is_said || is_trusted)
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
    const WORDS: &[&str] = &[
        "behalten",
        "bewaren",
        "conserver",
        "evidence",
        "garder",
        "guardar",
        "held",
        "hold",
        "holds",
        "houden",
        "keep",
        "kept",
        "legal",
        "mantener",
        "manter",
        "mantieni",
        "undeletable",
    ];
    words.iter().any(|word| begins(word, &BEGINNINGS)) || any(words, WORDS)
}

/// `is_permanent`, `pinned_at`. That a row has been archived may be why it can go, once it is over.
fn is_flag(words: &[String], column_type: ColumnType) -> bool {
    const FLAGS: &[&str] = &[
        "archived",
        "autoextend",
        "autorenew",
        "dauerhaft",
        "endless",
        "eternal",
        "evergreen",
        "exempt",
        "exempted",
        "forever",
        "frozen",
        "gesperrt",
        "ilimitada",
        "ilimitado",
        "illimitato",
        "illimite",
        "immortal",
        "immutable",
        "indefinite",
        "infinite",
        "lived",
        "onbeperkt",
        "permanent",
        "permanente",
        "perpetual",
        "persistent",
        "pinned",
        "protected",
        "renewable",
        "sticky",
        "unbefristet",
        "unlimited",
        "whitelisted",
    ];
    if column_type == ColumnType::Bool {
        return any(words, FLAGS) || FLAGS.contains(&&words.concat()[..]);
    }
    let mut last = words
        .iter()
        .rev()
        .skip_while(|word| any(&[(*word).clone()], &["at", "by", "on"]));
    let is_time = column_type.kind().is_some_and(|kind| !kind.is_number());
    // As booleans, which are asked about whatever they say.
    const NUMBERS: [&str; 5] = ["locked", "protect", "skip", "vip", "worm"];
    let is_number = matches!(
        column_type,
        ColumnType::Int2 | ColumnType::Int4 | ColumnType::Int8
    );
    let is_only_word = words.len() == 1 && (any(words, &NUMBERS) || any(words, &["pin", "pinned"]));
    let is_glued = FLAGS.contains(&&words.concat()[..]);
    if is_number && any(words, &NUMBERS)
        || is_only_word && !is_time
        || is_glued && !is_time
        || words == ["in", "use"]
    {
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
