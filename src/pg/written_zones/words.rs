//! Words that PostgreSQL knows in a date, and what matches the others.

use std::collections::BTreeMap;

/// Words at which PostgreSQL ends a field where a digit or a + follows: ParseDateTime() looks them up. So no zone begins there.
pub(super) const FIELDS: &str = "ad|allballs|am|at|bc|d|dow|doy|dst|epoch|fri|friday|h|infinity|isodow|isoyear|j|jd|julian|m|mon|monday|now|on|pm|s|sat|saturday|sun|sunday|t|thu|thur|thurs|thursday|today|tomorrow|tue|tues|tuesday|wed|weds|wednesday|y|yesterday";

/// Months.
pub(super) const MONTHS: &str = "jan|january|feb|february|mar|march|apr|april|may|jun|june|jul|july|aug|august|sep|sept|september|oct|october|nov|november|dec|december";

/// What may stand beside a time that has no zone, or whose zone is UTC.
pub(super) const NO_ZONES: &str = "t|z|zulu|utc|gmt|am|pm|ad|bc|at|on|h|epoch|infinity|mon|monday|tue|tues|tuesday|wed|weds|wednesday|thu|thur|thurs|thursday|fri|friday|sat|saturday|sun|sunday";

/// Matches every word, where no letter follows, but for those of these lists.
///
/// Says so letter by letter, because a regular expression is ten times as fast without a lookahead.
pub(super) fn other_than(lists: &[&str]) -> String {
    let words: Vec<_> = lists.iter().flat_map(|list| list.split('|')).collect();
    below(&words, true)
}

/// The same of words' ends.
fn below(ends: &[&str], is_beginning: bool) -> String {
    let mut nexts: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    for end in ends {
        if let Some(first) = end.chars().next() {
            nexts.entry(first).or_default().push(&end[1..]);
        }
    }
    let others: String = ('a'..='z')
        .filter(|letter| !nexts.contains_key(letter))
        .collect();
    let mut alternatives: Vec<_> = nexts
        .iter()
        .map(|(first, ends)| format!("{first}{}", below(ends, false)))
        .collect();
    if !others.is_empty() {
        alternatives.insert(0, format!("[{others}][a-z]*"));
    }
    let is_word = is_beginning || ends.contains(&"");
    let or_nothing = if is_word { "" } else { "?" };
    format!("({}){or_nothing}", alternatives.join("|"))
}
