//! What `to_timestamp()` drops of a text because its format does not say it.

use super::reading::{END, Misread, OFFSET};
use super::words::{MONTHS, NO_ZONES, other_than};

/// What a format reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    has_zone: bool,
    has_half: bool,
    has_hour: bool,
    /// The hour is one of twelve.
    is_half: bool,
    has_second: bool,
    /// The numbers, in their order, if it can be told which digits they are.
    numbers: Option<Vec<Number>>,
}

/// A number of a format.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    /// How many digits it has at most, because the next number follows at once; else it has all that there are.
    up_to: Option<usize>,
    /// It is of the time.
    is_time: bool,
    /// What the format has before it.
    before: Before,
}

/// What is before a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    /// Nothing, or what parts it from the number before it.
    Nothing,
    /// The T of ISO 8601.
    T,
    /// A field that is a word.
    Word,
    /// A text of the format's own.
    Text,
}

/// The fields of a format that are numbers, by how many digits they have where another one follows.
const NUMBERS: [(usize, &str); 7] = [
    (1, "D|FF1|I|ID|Q|W|Y"),
    (2, "CC|DD|FF2|HH|HH12|HH24|IW|IY|MI|MM|SS|TZH|TZM|WW|YY"),
    (3, "DDD|FF3|IDDD|IYY|MS|YYY"),
    (4, "FF4|IYYY|YYYY"),
    (5, "FF5|SSSS|SSSSS"),
    (6, "FF6|US"),
    (7, "J"),
];

/// Those before which a number takes all digits that there are.
const APART: [&str; 2] = ["FF", "TZ"];

/// The fields that are words, and what changes a field.
const WORDS: [&str; 16] = [
    "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "DAY", "DY", "FM", "FX", "MON", "MONTH", "P.M.",
    "PM", "RM", "TM",
];

impl Format {
    pub(super) fn of(format: &str) -> Format {
        let format = format.to_ascii_uppercase();
        let has = |patterns: &[&str]| patterns.iter().any(|pattern| format.contains(pattern));
        Format {
            has_zone: has(&["TZ", "OF"]),
            has_half: has(&["AM", "PM", "A.M.", "P.M."]),
            has_hour: has(&["HH", "SSSS"]),
            is_half: has(&["HH"]) && !has(&["HH24"]),
            has_second: has(&["SS"]),
            numbers: numbers(&format),
        }
    }

    /// Matches what the format drops: more numbers than it has, a zone, the half of the day, all of the time.
    pub(super) fn misread(&self) -> Vec<Misread> {
        let mut dropped = Vec::new();
        match &self.numbers {
            Some(numbers) => dropped.push(Misread::surely(more_than(numbers, self.has_second))),
            None if !self.has_hour => dropped.push(Misread::surely(r"\d:\d\d")),
            None => {}
        }
        if !self.has_zone {
            dropped.extend([offset(), zone_behind_time(), zone_at_end()]);
        }
        if !self.has_half {
            // 12 AM is the hour 0.
            dropped.push(Misread::surely(format!(
                r"\d[^\da-z]*p[^\da-z]*(m[^\da-z]*)?{END}|(^|\D)12(:\d\d)*[^\da-z]*a[^\da-z]*(m[^\da-z]*)?{END}"
            )));
        }
        if self.is_half {
            // Without AM or PM, 12 is the hour 0.
            dropped.push(Misread::surely(
                r"(^|[^\d:.])12[:.h]\d\d([:.,]\d+)*([b-oq-z]|$|[^\da-z:.,][^\da-z]*([\db-oq-z]|$))",
            ));
        }
        // A format that says all of it drops nothing.
        if dropped.is_empty() {
            dropped.push(Misread::surely("^(?!)"));
        }
        dropped
    }

    /// Matches a text that has no more than the format says, and no words but where the format has one.
    pub(super) fn usual(&self) -> Option<String> {
        let numbers = self
            .numbers
            .as_ref()
            .filter(|_| self.has_hour && (self.has_half || !self.is_half))?;
        let mut pattern = "^".to_owned();
        let mut is_joined = true;
        for number in numbers {
            pattern += match (number.before, number.is_time) {
                (Before::Text, _) => return None,
                (Before::T, _) => "t",
                (Before::Word, _) => r"\D",
                (Before::Nothing, true) => r"[^-+\da-z]",
                (Before::Nothing, false) => r"[^\da-z]",
            };
            if number.before != Before::T {
                pattern += if is_joined { "*" } else { "+" };
            }
            pattern += &number
                .up_to
                .map_or(r"\d+".to_owned(), |width| format!(r"\d{{{width}}}"));
            is_joined = number.up_to.is_some();
        }
        let fraction = if self.has_second { r"([.,]\d+)?" } else { "" };
        let half = if self.has_half { r" ?[ap]\.?m\.?" } else { "" };
        Some(format!("{pattern}{fraction}{half} ?(z|utc|gmt)?$"))
    }
}

/// The numbers that a format has; none where digits are in its texts, or in a field that may have more than digits.
fn numbers(format: &str) -> Option<Vec<Number>> {
    let mut numbers = Vec::new();
    // The digits of a number that the next one may follow at once.
    let mut width: Option<usize> = None;
    let (mut is_filled, mut in_quotes, mut before) = (true, false, Before::Nothing);
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let number = longest(
            NUMBERS
                .iter()
                .flat_map(|(width, fields)| fields.split('|').map(move |field| (field, *width))),
            rest,
        );
        let word = longest(WORDS.iter().map(|word| (*word, 0)), rest);
        let mut length = first.len_utf8();
        match number.max(word) {
            _ if first.is_ascii_digit() || first == '\\' => return None,
            _ if !in_quotes && rest.starts_with("\"T\"") => {
                length = 3;
                before = Before::T;
                width = None;
            }
            _ if first == '"' => {
                in_quotes = !in_quotes;
                before = Before::Text;
                width = None;
            }
            _ if in_quotes => {}
            _ if ["Y,YYY", "OF"].iter().any(|field| rest.starts_with(field)) => return None,
            Some((field_length, 0)) => {
                length = field_length;
                is_filled = !rest.starts_with("FM");
                width = width.filter(|_| !is_filled);
                if is_filled && before == Before::Nothing {
                    before = Before::Word;
                }
            }
            Some((field_length, digits)) => {
                length = field_length;
                let is_apart = APART.iter().any(|beginning| rest.starts_with(beginning));
                if let Some(last) = numbers.last_mut().filter(|_| !is_apart) {
                    let last: &mut Number = last;
                    last.up_to = width;
                }
                numbers.push(Number {
                    up_to: None,
                    is_time: ["HH", "MI", "S", "MS", "US", "FF"]
                        .iter()
                        .any(|time| rest.starts_with(time)),
                    before,
                });
                before = Before::Nothing;
                width = is_filled.then_some(digits);
                is_filled = true;
            }
            None if rest.starts_with("TZ") => return None,
            None => {
                width = None;
                if first.is_alphanumeric() {
                    before = Before::Text;
                }
            }
        }
        rest = &rest[length..];
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// The longest of the fields that a format begins with: its length, and its digits.
fn longest<'a>(
    fields: impl Iterator<Item = (&'a str, usize)>,
    format: &str,
) -> Option<(usize, usize)> {
    let fields = fields.filter(|(field, _)| format.starts_with(field));
    fields.map(|(field, digits)| (field.len(), digits)).max()
}

/// Matches a text that has a digit but 0 behind as many numbers as these; a fraction of the second is none of a time in seconds.
fn more_than(numbers: &[Number], has_second: bool) -> String {
    let mut pattern = r"^\D*".to_owned();
    let others = numbers.len().saturating_sub(1);
    for number in &numbers[..others] {
        pattern += &match number.up_to {
            None => r"\d+\D+".to_owned(),
            Some(width) => format!(r"(\d{{{width}}}\D*|\d{{1,{width}}}\D+)"),
        };
    }
    let behind = if has_second {
        r"([.,]\d+[^\d]|[.,]\D|[^\d.,])"
    } else {
        r"\D"
    };
    pattern + r"\d+" + behind + "[^1-9]*[1-9]"
}

/// An offset, also where it is taken for a number that is missing before it.
fn offset() -> Misread {
    let behind = r"([:.h]\d\d([.,]\d+)?|\s)[^\da-z]*([ap]\.?m\.?)?[^\da-z]*?";
    Misread::all(
        r"\d\D*\+|[:.h ].*-",
        [format!(
            r"\d\D*\+{OFFSET}|\d{behind}(utc|gmt|z)?-\s*{OFFSET}[\d:]*\W*$"
        )],
    )
}

/// Abbreviations of zones, and the zones' own names.
const SHORT: &str =
    "[a-z]{1,3}[sd]t|[a-z]{2,3}t|[ecmp]t|mes?z|mest|ms[kd]|wi[bt]|wita|[a-z]+/[a-z_/]+";

/// Words that are no zones behind a time, or mean UTC.
const UNIVERSAL: &str = "uhr|ut|coordinated|universal|greenwich|mean";

/// Directly behind the time.
fn zone_behind_time() -> Misread {
    let time = r":\d\d([.,]\d+)?[^\da-z]*";
    let known = format!("(?!({NO_ZONES}|{MONTHS}|{UNIVERSAL}){END})");
    Misread::all(
        format!("{time}{}{END}", other_than(&[NO_ZONES, MONTHS, UNIVERSAL])),
        [format!("{time}{known}({SHORT}){END}")],
    )
}

/// At the end, be it of several words: `Eastern Standard Time`.
fn zone_at_end() -> Misread {
    const REGIONS: &str = "eastern|central|mountain|pacific|atlantic|alaska|hawaii|newfoundland";
    const BEHIND: &str = "standard|daylight|summer|winter|time|zeit|tijd";
    let known = format!("(?!({NO_ZONES}|{MONTHS}|{UNIVERSAL}){END})");
    Misread::all(
        format!(
            r"(^|[^a-z]){}[^\da-z]*$",
            other_than(&[NO_ZONES, MONTHS, UNIVERSAL])
        ),
        [format!(
            r"\d(\D*[^\da-z])?{known}({SHORT}|({REGIONS}|[a-z]+[^\da-z]+({BEHIND}))([^\da-z]+({BEHIND}))*)[^\da-z]*$"
        )],
    )
}
