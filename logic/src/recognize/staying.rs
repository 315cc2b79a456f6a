//! What a column that a framework does not know says of a row's life past the framework's instant: that another end follows,
//! that the row stays, or that something is in it which is worth more.
//!
//! A word too many here is a question too many; a word too few is a row that nobody can bring back.

mod condition;
mod end;
mod length;

use super::Column;
use crate::framework::ColumnType;
use crate::keeping::{any, begins, is_never, plain};
use crate::kind::Kind;
use crate::table_name::words;
use condition::is_condition;
pub(super) use end::{is_later_end, is_later_use};
use length::TIMES;
pub use length::is_length;

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
    let is_said = words.iter().any(|word| word.starts_with("remember")) || any(&words, &["stay"]);
    is_flag && (is_said || is_trusted)
}

/// `legal_hold`, `investigation_id`
fn is_kept(words: &[String]) -> bool {
    const BEGINNINGS: [&str; 23] = [
        "aufbewahr",
        "betrug",
        "bewaar",
        "beweis",
        "chargeback",
        "complian",
        "conserv",
        "disput",
        "escrow",
        "forensi",
        "fraud",
        "investigat",
        "lawsuit",
        "legalhold",
        "litigation",
        "onhold",
        "preserv",
        "prosecut",
        "quarantin",
        "reserv",
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
    words.iter().any(|word| begins(&plain(word), &BEGINNINGS)) || any(words, WORDS)
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
        "persist",
        "persisted",
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
    let is_least = any(words, &["min", "minimum"]) && (is_time || any(words, &["lifetime", "ttl"]));
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
