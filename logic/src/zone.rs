//! Where the cut-off falls on a wall clock that is set forward and back.
//!
//! A `timestamp` column holds what a clock on the wall showed. Around a change of the clock one value may name two
//! instants, or none; a row must not be deleted as long as any reading of its value leaves it alive.
//! All times are microseconds: instants since 2000-01-01 00:00 UTC, offsets east of UTC (local = UTC + offset).

use crate::number::clamped;

/// A change of a zone's offset from UTC, from `before` to `after`, at the instant `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The instant from which on the new offset is in force.
    pub at: i64,
    /// The offset until then.
    pub before: i64,
    /// The offset since then.
    pub after: i64,
}

/// The largest wall-clock value N such that every value below N names only instants before `cutoff`.
///
/// A value that names two instants (clock set back) counts as the later one. A value that names none (clock set
/// forward) counts as PostgreSQL reads it: with the offset before the change.
///
/// `offset` is the one in force at `cutoff`; `transitions` are those within two days around it, in order. Two days are
/// enough, because no zone is further from UTC than a day, nor was ever moved by more than a day.
pub fn wall_cutoff(cutoff: i64, offset: i64, transitions: &[Transition]) -> i64 {
    // Wide arithmetic: the sum of an instant and an offset may leave the range of an instant.
    let cutoff = i128::from(cutoff);
    let mut wall = cutoff + i128::from(offset);
    for transition in transitions {
        let at = i128::from(transition.at);
        let before = i128::from(transition.before);
        let after = i128::from(transition.after);
        if at > cutoff {
            // A clock set back shows values again that it has shown before, and by then the cut-off has passed. From
            // the change on it only rises, so that the first value it shows is the least.
            wall = wall.min(at + after);
        } else if cutoff < at + (after - before) {
            // The values that a clock set forward has skipped. Read with the offset before the change they name
            // instants from the change on: some have not expired although the clock already shows a later time.
            wall = wall.min(cutoff + before);
        }
    }
    // Too low a value deletes less; none of them reaches `infinity` or goes below `-infinity`.
    clamped(wall)
}

/// The largest instant before which every one shows a value below `wall`: the first that shows it or a later value, so of a
/// value that the clock shows twice the earlier one, and of one that it skips the change.
///
/// `offset` is the one in force where `transitions` has none; those are within two days around `wall`, taken as an instant, in
/// order.
pub fn first_instant(wall: i64, offset: i64, transitions: &[Transition]) -> i64 {
    let wall = i128::from(wall);
    let mut offset = transitions.first().map_or(offset, |first| first.before);
    let mut since = i128::MIN;
    for transition in transitions {
        let first = since.max(wall - i128::from(offset));
        if first < i128::from(transition.at) {
            return clamped(first);
        }
        since = transition.at.into();
        offset = transition.after;
    }
    clamped(since.max(wall - i128::from(offset)))
}

/// Whether a text has the form of a time zone's name, such as `Europe/Berlin`, and is no POSIX specification (`UTC-5`,
/// `<+05>-5`) and no name for whatever zone the server has.
pub fn is_zone_name(name: &str) -> bool {
    const WITH_DIGITS: [&str; 7] = [
        "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "GMT0", "GMT+0", "GMT-0",
    ];
    const OF_THE_SERVER: [&str; 3] = ["localtime", "posixrules", "Factory"];
    let is = |one: &&str| one.eq_ignore_ascii_case(name);
    if OF_THE_SERVER.iter().any(is) {
        return false;
    }
    let has_digits = name.contains(|c: char| c.is_ascii_digit());
    let is_etc = name
        .get(..4)
        .is_some_and(|area| area.eq_ignore_ascii_case("Etc/"));
    !has_digits || is_etc || WITH_DIGITS.iter().any(is)
}
