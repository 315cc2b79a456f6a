//! Whatever text comes in, from a setting, a parameter or a policy: it is read or refused, never a panic, and what is
//! read means what it says. `PROPTEST_CASES` says how many texts each property is tried on (256).

mod common;

use chrono::{Datelike, NaiveDateTime, Timelike};
use common::clock::{DAY, HOUR, MINUTE, SECOND, Simulated, text, utc};
use logic::names::{parse_databases, parse_tables};
use logic::schedule::{Clock, Schedule};
use logic::unit::Unit;
use logic::zone::Transition;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A clock that is set forward and back, at most once in a week, by at most a day.
fn clock() -> impl Strategy<Value = Simulated> {
    let change = (1..90_i64, 0..DAY / SECOND, -96..=96_i64);
    (
        -48..=56_i64,
        prop::collection::btree_map(0..52_i64, change, 0..6),
    )
        .prop_map(|(offset, changes)| {
            let start = utc("2026-01-01 00:00");
            let mut before = offset * HOUR / 4;
            let offset = before;
            let changes = changes.into_iter().map(|(week, (_, second, quarters))| {
                let after = (quarters * HOUR / 4).clamp(-14 * HOUR, 14 * HOUR);
                // By no more than a day.
                let after = after.clamp(before - DAY, before + DAY);
                let at = start + week * 7 * DAY + second * SECOND;
                let change = Transition { at, before, after };
                before = after;
                change
            });
            Simulated {
                offset,
                changes: changes.collect(),
            }
        })
}

/// One field of a cron expression, and the numbers that it means.
fn field(first: u32, last: u32) -> impl Strategy<Value = (String, BTreeSet<u32>)> {
    let all = move || (first..=last).collect::<BTreeSet<_>>();
    let step = move |from: u32, to: u32, step: u32| -> BTreeSet<u32> {
        (from..=to).step_by(step as usize).collect()
    };
    let element = prop_oneof![
        (first..=last).prop_map(|n| (n.to_string(), BTreeSet::from([n]))),
        (first..=last, first..=last).prop_map(move |(a, b)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}"), step(a, b, 1))
        }),
        (first..=last, first..=last, 1..=last).prop_map(move |(a, b, by)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}/{by}"), step(a, b, by))
        }),
        (1..=last).prop_map(move |by| (format!("*/{by}"), step(first, last, by))),
    ];
    prop_oneof![
        2 => Just(("*".to_owned(), all())),
        3 => prop::collection::vec(element, 1..4).prop_map(|elements| {
            let texts: Vec<_> = elements.iter().map(|(text, _)| text.clone()).collect();
            let numbers = elements.into_iter().flat_map(|(_, numbers)| numbers);
            (texts.join(","), numbers.collect())
        }),
    ]
}

type Cron = (String, [BTreeSet<u32>; 5], bool);

/// A cron expression, the numbers of its fields, and whether a day has to meet both fields.
fn cron() -> impl Strategy<Value = Cron> {
    (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    )
        .prop_map(|(minute, hour, day, month, weekday)| {
            let both = day.0.starts_with('*') || weekday.0.starts_with('*');
            let fields = [minute, hour, day, month, weekday];
            let text: Vec<_> = fields.iter().map(|(text, _)| text.clone()).collect();
            (text.join(" "), fields.map(|(_, numbers)| numbers), both)
        })
}

/// Whether a time on the wall clock meets the expression, as crontab(5) says it.
fn meets((_, [minutes, hours, days, months, weekdays], both): &Cron, time: NaiveDateTime) -> bool {
    let weekday = time.weekday().num_days_from_sunday();
    let day = days.contains(&time.day());
    let weekday = weekdays.contains(&weekday) || weekday == 0 && weekdays.contains(&7);
    minutes.contains(&time.minute())
        && hours.contains(&time.hour())
        && months.contains(&time.month())
        && if *both {
            day && weekday
        } else {
            day || weekday
        }
}

/// The first minute after an instant, in UTC and within two days, that meets the expression: by trying each.
fn first_meeting(cron: &Cron, after: i64) -> Option<i64> {
    let first = after.div_euclid(MINUTE) * MINUTE + MINUTE;
    (0..2 * 24 * 60)
        .map(|minutes| first + minutes * MINUTE)
        .find(|instant| {
            let written = text(*instant);
            let time = NaiveDateTime::parse_from_str(&written, "%Y-%m-%d %H:%M");
            meets(cron, time.expect("whole minutes"))
        })
}

/// Texts that are nearly a schedule.
fn nearly_a_schedule() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9*/,@ a-z☃-]{0,24}",
        "(([0-9]{1,3}|\\*|[a-z]{3})([-/,]([0-9]{1,3}|\\*))?[ \t]){4}[0-9*]{1,2}",
        "-?[0-9]{1,20} ?(us|ms|s|min|h|d|week|secs|months?|mi|ſ|K)( ?[0-9]{1,10} ?(h|d))?",
        "@(daily|hourly|reboot|every|MIDNIGHT|yearly)[ 0-9]{0,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_is_a_panic_and_the_next_start_is_always_later(
        written in nearly_a_schedule(), zone in clock(), after in -DAY..400 * DAY
    ) {
        match Schedule::parse(&written) {
            Ok(schedule) => {
                let after = utc("2026-01-01 00:00") + after;
                prop_assert!(schedule.next_after(after, &zone) > after);
                prop_assert!(schedule.next_after(i64::MIN, &zone) > i64::MIN);
                prop_assert_eq!(schedule.next_after(i64::MAX, &zone), i64::MAX);
            }
            Err(error) => {
                prop_assert!(!error.message().is_empty());
                prop_assert!(error.hint().ends_with('.'));
            }
        }
    }

    #[test]
    fn a_cron_expression_is_due_whenever_the_clock_meets_it_and_then_only(
        cron in cron(), after in 0..400 * DAY
    ) {
        let after = utc("2026-01-01 00:00") + after;
        let utc = Simulated { offset: 0, changes: Vec::new() };
        // A day that no year has is refused.
        if let Ok(schedule) = Schedule::parse(&cron.0) {
            let next = schedule.next_after(after, &utc);
            match first_meeting(&cron, after) {
                Some(first) => prop_assert_eq!(text(next), text(first)),
                None => prop_assert!(next > after + 2 * DAY - MINUTE),
            }
        } else {
            let days = &cron.1[2];
            prop_assert!(days.iter().all(|day| *day > 28), "{} is refused", cron.0);
        }
    }

    /// Due at a time that the clock shows, or where it was set forward: at the moment when it jumped over one.
    #[test]
    fn however_the_clock_is_set_a_start_is_at_a_due_time_or_at_a_change(
        cron in cron(), zone in clock(), after in 0..400 * DAY
    ) {
        if let Ok(schedule) = Schedule::parse(&cron.0) {
            let after = utc("2026-01-01 00:00") + after;
            let next = schedule.next_after(after, &zone);
            let shown = next + zone.offset_at(next);
            let is_due = shown % MINUTE == 0
                && NaiveDateTime::parse_from_str(&text(shown), "%Y-%m-%d %H:%M").is_ok_and(|time| meets(&cron, time));
            prop_assert!(is_due || zone.changes.iter().any(|change| change.at == next && change.after > change.before),
                "{} at {}, when the clock shows {}", cron.0, text(next), text(shown));
        }
    }

    #[test]
    fn an_interval_is_the_sum_of_its_parts(parts in prop::collection::vec((0..500_u32, 0..5_usize), 1..4)) {
        let units = [("s", SECOND), ("min", MINUTE), ("hours", HOUR), ("d", DAY), ("weeks", 7 * DAY)];
        let texts: Vec<_> = parts.iter().map(|(number, unit)| format!("{number} {}", units[*unit].0)).collect();
        let sum: i64 = parts.iter().map(|(number, unit)| i64::from(*number) * units[*unit].1).sum();
        let read = Schedule::parse(&texts.join(" "));
        if (SECOND..=366 * DAY).contains(&sum) {
            let utc = Simulated { offset: 0, changes: Vec::new() };
            prop_assert_eq!(read.map(|schedule| schedule.next_after(0, &utc)), Ok(sum));
        } else {
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn no_list_of_names_is_a_panic_and_what_is_read_can_be_written_again(
        written in prop_oneof![any::<String>(), "[a-cA-C\",. *\t☃]{0,16}"]
    ) {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        if let Ok(tables) = parse_tables(&written) {
            let again: Vec<_> = tables.iter().map(|table| {
                let schema = table.schema.as_deref().map(|schema| quoted(schema) + ".").unwrap_or_default();
                schema + &quoted(&table.name)
            }).collect();
            prop_assert_eq!(parse_tables(&again.join(", ")), Ok(tables));
            prop_assert!(!written.contains('\0'));
        }
        let _ = parse_databases(&written);
    }

    #[test]
    fn a_unit_is_one_of_three_words(written in prop_oneof![any::<String>(), "[ \t]?(micro|milli|MILLI|Micro)?[sS]econds?[ \t☃]?"]) {
        let word = written.trim().to_ascii_lowercase();
        let known = ["seconds", "milliseconds", "microseconds"].contains(&word.as_str());
        prop_assert_eq!(Unit::parse(&written).map(Unit::name), known.then_some(word.as_str()));
    }
}
