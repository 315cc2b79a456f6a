//! What is matched in a text that is not read as it is meant.

use super::format::Format;
use super::words::{FIELDS, MONTHS, NO_ZONES, other_than};

/// How a text is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// As an instant.
    Instant,
    /// As a time without a zone.
    Naive,
    /// As a zone's name.
    Zone,
    /// As a date, be it an instant's or not, in which the year may have two digits.
    Order,
    /// As a time of the day, be it an instant's or not.
    Time,
    /// By `to_timestamp()`, which drops what its format does not say.
    Format(Format),
}

/// Begins hours that are not zero, or behind which a summer time is named: `UTC-5`, `UTC-5h`, `GMT0BST`.
const HOURS: &str = r"([1-9]|0[0:]*[1-9a-z/_.])";

/// Begins an offset whose hours, or minutes, are not zero.
pub(super) const OFFSET: &str = r"(0[0:.]*)?[1-9]";

/// Zones' names with a number in them. Of POSIX specifications, those whose summer time begins and ends when PostgreSQL has it
/// begin and end for all of them, as in the United States: `CET-1CEST` is an hour ahead for some weeks.
const NAMES: &str =
    r"(etc/gmt[+-][1-9]\d?|(a|ak|c|e|m|p)st\+?[4-9](a|ak|c|e|m|p)dt)(?![-+/_.:a-z\d])";

/// Behind a word that is in no zone.
pub(super) const END: &str = "([^a-z]|$)";

/// Patterns that have to match a text, whatever the case: the guard, and all of one of the alternatives, if there are any.
///
/// The guard is cheap, and matches hardly a text that is read as it is meant. A lookahead takes ten times as long.
pub(super) struct Misread {
    pub(super) guard: String,
    pub(super) alternatives: Vec<Vec<String>>,
}

impl Misread {
    /// Without alternatives.
    pub(super) fn surely(guard: impl Into<String>) -> Misread {
        Misread {
            guard: guard.into(),
            alternatives: Vec::new(),
        }
    }

    /// All of these patterns.
    pub(super) fn all(guard: impl Into<String>, others: impl Into<Vec<String>>) -> Misread {
        Misread {
            guard: guard.into(),
            alternatives: vec![others.into()],
        }
    }

    /// True of a text, as SQL, where they match, as SQL.
    fn condition(&self, text: &str) -> String {
        let all = |patterns: &Vec<String>| {
            let all: Vec<_> = patterns.iter().map(|one| matches(text, one)).collect();
            all.join(" AND ")
        };
        let alternatives: Vec<_> = self.alternatives.iter().map(all).collect();
        let guard = matches(text, &self.guard);
        match &alternatives[..] {
            [] => guard,
            _ => format!("{guard} AND ({})", alternatives.join(" OR ")),
        }
    }
}

impl Reading {
    /// What matches where something is misread.
    fn misread(&self) -> Vec<Misread> {
        match self {
            Reading::Instant => vec![posix()],
            Reading::Naive => vec![sign(), word(), posix()],
            // Whatever stands before the number is a name to PostgreSQL; but for the names that have one.
            Reading::Zone => vec![Misread::all(
                r"[1-9]|\d[\d:]*[^\d:]",
                [format!(r"^(?!\s*{NAMES}\s*$)")],
            )],
            Reading::Order => vec![Misread::all(
                two_digits(),
                [format!("(^|[^a-z])({MONTHS}){END}")],
            )],
            Reading::Time => vec![Misread::surely(MINUTES)],
            Reading::Format(format) => format.misread(),
        }
    }

    /// All that may be wrong with a text that is read so.
    pub(super) fn all(self) -> Vec<Reading> {
        match self {
            Reading::Instant | Reading::Naive => vec![self, Reading::Order, Reading::Time],
            Reading::Zone | Reading::Order | Reading::Time | Reading::Format(_) => vec![self],
        }
    }

    /// True of a text, as SQL, in which something is misread, as SQL.
    pub(super) fn condition(&self, text: &str) -> String {
        let misread = self.misread();
        let misread: Vec<_> = misread.iter().map(|one| one.condition(text)).collect();
        let misread = format!("({})", misread.join(" OR "));
        match self {
            // In most texts the first two numbers are a day and a year of four digits: that is seen at once.
            Reading::Order => {
                let is_word = matches(text, "[a-z]{3}");
                let usual = matches(text, r"^[^-+\d]*\d\d?(-[a-z]+-|[^-+\d:]+)\d{3}");
                format!("({is_word} AND NOT {usual} AND {misread})")
            }
            _ => misread,
        }
    }

    /// What is true of every text in which something is misread, and of hardly another one, as SQL: most texts are written so that
    /// nothing else has to be looked for.
    pub(super) fn gate(&self, text: &str) -> Option<String> {
        const CLOCK: &str = r"\d+:\d+(:\d+(\.\d+)?)?";
        let unusual = |usual: &str| format!("NOT {}", matches(text, usual));
        match self {
            Reading::Instant => Some(matches(text, &format!("{}|{MINUTES}", suspicious()))),
            Reading::Naive => {
                let suspicious = format!(r"[^-\d:.tz ]|t.*t|z.|.{{8}}.*-|[:. ].*-|^-|{MINUTES}");
                // Where a number of more than two digits is the year, the word beside the day is a month, or the text is an error.
                let usual =
                    format!(r"^(\d+[- ][a-z]+[- ]\d\d\d+|[a-z]+ +\d+,? \d\d\d+)( {CLOCK})?z?$");
                Some(format!(
                    "{} AND {}",
                    matches(text, &suspicious),
                    unusual(&usual)
                ))
            }
            Reading::Format(format) => format.usual().map(|usual| unusual(&usual)),
            Reading::Zone | Reading::Order | Reading::Time => None,
        }
    }
}

/// Minutes and seconds to PostgreSQL, for the sake of the point.
const MINUTES: &str = r"(^|[^\d:.])\d+:\d+\.";

/// What every text has in which a zone is POSIX.
fn suspicious() -> String {
    format!("[a-z/_.:][-+]{HOURS}|[a-su-z_/][0-9]|[a-z/_.:]t[0-9]|[a-z/_][.:]+[0-9]|pm[-a-z/.]|dst")
}

/// Whether a text, as SQL, matches a pattern, whatever the case, as SQL.
pub(super) fn matches(text: &str, pattern: &str) -> String {
    let pattern = pgrx::spi::quote_literal(pattern);
    format!("{text} OPERATOR(pg_catalog.~*) {pattern}")
}

/// An offset, which is a sign that is in no date.
fn sign() -> Misread {
    let sign = format!(
        r"\+\s*{OFFSET}|(^|[^-\da-z]|:[\d:.]*|\d[./]\d+|[./]\d{{4}}|\d{{6}}|t\d{{4}})-\s*{OFFSET}|\d\D+\d{{4}}-(0[1-9]|[1-9]\d?|00:\d\d)(:\d\d)*([^-\d:]|$)"
    );
    Misread::all(r"\+\s*(0[0:.]*)?[1-9]|.{8}.*-|[:. ].*-|^-", [sign])
}

/// A word that may be a zone's.
fn word() -> Misread {
    Misread::surely(format!(
        "(^|[^a-z]){}{END}",
        other_than(&[NO_ZONES, MONTHS])
    ))
}

/// A word with a number behind it is POSIX to PostgreSQL, wherever it begins, and whatever follows; but for dates with the month
/// by name, as long as there is no other date. A PM that something is glued to is none, and DST behind an offset adds an hour.
fn posix() -> Misread {
    let glued = r"pm([-/.]|[a-z][a-z/_.:]*[-+\d])";
    let behind = format!(r"[/.][a-z/_.:]*[+-]?{HOURS}");
    let zone = format!(
        r"(^|[^a-z/]/*)({}\+?{HOURS}|{}(-{HOURS}|{behind})|{glued})",
        other_than(&[FIELDS, MONTHS]),
        other_than(&[MONTHS])
    );
    let no_zone = format!(r"(?!{NAMES}|({FIELDS}|{MONTHS})[+\d]|({MONTHS})[-/.])");
    let surely_zone =
        format!(r"(^|[^a-z/]/*)({no_zone}[a-z]+([/.][a-z/_.:]*)?[+-]?{HOURS}|{glued})");
    // A month that is a zone, because there is another date.
    let second = r"(\d.*[a-z].*|\d\D+\d.*|\d{5}.*)[^a-z][a-z]+[-/.]".to_owned();
    let date = format!(
        r"((^|[^:\d.])\d+[-/.][\da-z]|\d{{8}}|j\d{{5}}|({MONTHS})[-/., ]*\d|\d *({MONTHS}))"
    );
    let month = format!(r"({date}.*[^a-z]|\d{{8}})({MONTHS})([-/.]|[/.][a-z/_.:]*[+-]){HOURS}");
    let summer = format!(r"[-+]\s*\d[\d:]*[^a-z\d]*dst{END}");
    Misread {
        guard: suspicious(),
        alternatives: vec![vec![zone, surely_zone], vec![second, month], vec![summer]],
    }
}

/// Two numbers of two digits come first of all that belong to a date: `05 Jan 30`, `Jan 05 30`, `Jan 05 10:00:00 30`. Whatever is no
/// letter, digit or sign parts them, as in ParseDateTime(); `Jan 5/30` has the day first to PostgreSQL, too.
fn two_digits() -> String {
    let time = r"\d+:[\d:.]*";
    let offset = r"[-+]\s*\d[\d:.]*[^\d:.]";
    let other = format!(r"([^-+\d]|[-a-z./_]-|{time}[^-+\d:.]|({time}\s*|[\sa-z]){offset})");
    format!(
        r"^{other}*(\d\d?([^-/.\d:]|[-/.]({other}|-)){other}*|[a-z][-/.]\d\d?[-/.])\d\d?([^\d:]|$)"
    )
}
