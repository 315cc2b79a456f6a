//! When cron expressions are due, against the definition of it, on clocks that change as none ever did.

mod common;

use common::clock::{DAY, MINUTE, Simulated, due, text};
use logic::schedule::{Clock, Schedule};
use logic::zone::Transition;
use proptest::prelude::*;

/// The times that an expression means, in minutes of the wall clock since 2000-01-01, which was a Saturday, and the
/// longest that it waits on a day like any other.
#[derive(Debug)]
struct Meaning {
    expression: &'static str,
    is_due: fn(i64) -> bool,
    wait: i64,
}

const fn meaning(expression: &'static str, is_due: fn(i64) -> bool, wait: i64) -> Meaning {
    Meaning {
        expression,
        is_due,
        wait,
    }
}

const MEANINGS: [Meaning; 13] = [
    meaning("*/15 * * * *", |w| w % 15 == 0, 15),
    meaning("7-59/20 * * * *", |w| w.rem_euclid(20) == 7, 20),
    meaning("0 * * * *", |w| w % 60 == 0, 60),
    meaning("30 */2 * * *", |w| w.rem_euclid(120) == 30, 120),
    meaning(
        "*/5 1-22 * * *",
        |w| w % 5 == 0 && (60..1380).contains(&w.rem_euclid(1440)),
        125,
    ),
    meaning(
        "0 1,2,3 * * *",
        |w| [60, 120, 180].contains(&w.rem_euclid(1440)),
        1320,
    ),
    meaning(
        "*/15 2 * * *",
        |w| [120, 135, 150, 165].contains(&w.rem_euclid(1440)),
        1395,
    ),
    meaning("30 2 * * *", |w| w.rem_euclid(1440) == 150, 1440),
    meaning("0 3 * * *", |w| w.rem_euclid(1440) == 180, 1440),
    meaning("59 23 * * *", |w| w.rem_euclid(1440) == 1439, 1440),
    meaning("@daily", |w| w % 1440 == 0, 1440),
    meaning(
        "15 4 * * mon",
        |w| w.rem_euclid(7 * 1440) == 2 * 1440 + 255,
        7 * 1440,
    ),
    meaning(
        "15 4 3,5 * *",
        |w| [2 * 1440 + 255, 4 * 1440 + 255].contains(&w),
        1 << 30,
    ),
];

fn any_meaning() -> impl Strategy<Value = &'static Meaning> {
    (0..MEANINGS.len()).prop_map(|index| &MEANINGS[index])
}

/// How far before and after 2000-01-01 the worlds reach.
const HORIZON: i64 = 4 * DAY;

/// Up to three changes, each at least `apart` after the one before, by up to a day.
fn any_world(apart: i64) -> impl Strategy<Value = Simulated> {
    let any_offset =
        || prop_oneof![-64..=64i64, -8..=8i64].prop_map(|quarters| quarters * 15 * MINUTE);
    let gap = (apart / MINUTE..(apart + 2 * DAY) / MINUTE).prop_map(|minutes| minutes * MINUTE);
    let changes = prop::collection::vec((gap, any_offset()), 0..=3);
    (any_offset(), changes).prop_map(move |(offset, gaps)| {
        let (mut at, mut before) = (-2 * DAY - apart, offset);
        let mut changes: Vec<Transition> = Vec::new();
        for (gap, after) in gaps {
            at += gap;
            if after != before && (after - before).abs() <= DAY {
                changes.push(Transition { at, before, after });
                before = after;
            }
        }
        Simulated { offset, changes }
    })
}

fn wall(zone: &Simulated, instant: i64) -> i64 {
    (instant + zone.offset_at(instant)) / MINUTE
}

/// The definition of a pace: due before, within and after what the change repeats.
fn keeps_pace(meaning: &Meaning, change: &Transition) -> bool {
    let length = (change.before - change.after) / MINUTE;
    let start = (change.at + change.after) / MINUTE;
    [start - length, start, start + length]
        .into_iter()
        .all(|from| (from..from + length).any(meaning.is_due))
}

/// The due instants between the horizons by their definition, tried out on every minute; `again` are those when the
/// clock shows a time for the second time.
fn by_definition(meaning: &Meaning, zone: &Simulated) -> (Vec<i64>, Vec<i64>) {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let start = -HORIZON - 2 * DAY;
    let mut highest = wall(zone, start);
    let paced = |change: &&Transition| keeps_pace(meaning, change);
    let paced: Vec<_> = zone.changes.iter().filter(paced).collect();
    for instant in (start + MINUTE..HORIZON).step_by(MINUTE as usize) {
        let shown = wall(zone, instant);
        if (highest + 1..=shown).any(meaning.is_due) {
            first.push(instant);
        } else if shown <= highest && (meaning.is_due)(shown) {
            let last = zone.changes.iter().rfind(|c| c.at <= instant);
            if paced.contains(&last.expect("a clock was set back")) {
                again.push(instant);
            }
        }
        highest = highest.max(shown);
    }
    first.retain(|instant| *instant > -HORIZON);
    again.retain(|instant| *instant > -HORIZON);
    (first, again)
}

fn change_between(zone: &Simulated, from: i64, to: i64) -> i64 {
    let between = zone.changes.iter().filter(|c| from < c.at && c.at <= to);
    between.map(|c| (c.before - c.after).abs()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn due_is_what_the_definition_says(meaning in any_meaning(), zone in any_world(2 * DAY)) {
        let (first, again) = by_definition(meaning, &zone);
        let mut expected = [first, again].concat();
        expected.sort();
        prop_assert_eq!(due(meaning.expression, &zone, -HORIZON, HORIZON), expected);
    }

    /// Whenever the worker asks, also between two minutes, it is told the same due instants.
    #[test]
    fn the_next_due_instant_does_not_depend_on_when_it_is_asked_for(
        meaning in any_meaning(), zone in any_world(2 * DAY), after in -HORIZON + 1..HORIZON,
    ) {
        let schedule = Schedule::parse(meaning.expression).unwrap();
        let next = schedule.next_after(after, &zone);
        let due = due(meaning.expression, &zone, -HORIZON, HORIZON);
        match due.iter().find(|due| **due > after) {
            Some(due) => prop_assert_eq!(next, *due),
            None => prop_assert!(next >= HORIZON),
        }
    }

    #[test]
    fn no_wait_is_longer_than_usual_by_more_than_the_change(
        meaning in any_meaning(), zone in any_world(2 * DAY),
    ) {
        for pair in due(meaning.expression, &zone, -HORIZON, HORIZON).windows(2) {
            let longest = meaning.wait * MINUTE + change_between(&zone, pair[0], pair[1]);
            prop_assert!(pair[1] - pair[0] <= longest, "{} {}", text(pair[0]), text(pair[1]));
        }
    }

    /// Changes that follow each other within hours never happened, but no due time would be lost either; `due` sees
    /// that none comes twice.
    #[test]
    fn a_hectic_clock_loses_no_due_time(meaning in any_meaning(), zone in any_world(30 * MINUTE)) {
        let (first, _) = by_definition(meaning, &zone);
        let due = due(meaning.expression, &zone, -HORIZON, HORIZON);
        for instant in first {
            prop_assert!(due.contains(&instant), "{}", text(instant));
        }
    }
}
