//! The wall-clock cut-off, against its definition and against the calendars of real zones.

use logic::zone::{Transition, first_instant, is_zone_name, wall_cutoff};
use proptest::prelude::*;
use std::collections::HashMap;

/// The definition, tried out on every instant of a small world. A clock there counts in quarters of an hour.
#[derive(Clone, Debug)]
struct World {
    offset: i64,
    transitions: Vec<Transition>,
}

const DAY: i64 = 96;
/// Far enough around the cut-off, which is at 0, that nothing further away can matter.
const HORIZON: i64 = 6 * DAY;

impl World {
    /// The offset in force at an instant.
    fn offset_at(&self, instant: i64) -> i64 {
        let past = self.transitions.iter().rev().find(|t| t.at <= instant);
        past.map_or(self.offset, |t| t.after)
    }

    /// The instants that values are read as.
    fn reading(&self) -> impl Fn(i64) -> i64 {
        // Later instants overwrite earlier ones: a value that names two counts as the later.
        let named: HashMap<i64, i64> = (-HORIZON..HORIZON)
            .map(|instant| (instant + self.offset_at(instant), instant))
            .collect();
        move |wall| {
            let named = named.get(&wall).copied();
            named.unwrap_or_else(|| wall - self.change_that_skipped(wall).before)
        }
    }

    /// The least value that has not expired, which is the largest N that the definition asks for.
    fn wall_cutoff_by_definition(&self) -> i64 {
        let instant = self.reading();
        (-HORIZON / 2..HORIZON / 2)
            .find(|wall| instant(*wall) >= 0)
            .expect("some value has not expired")
    }

    fn change_that_skipped(&self, wall: i64) -> &Transition {
        let skipped = |t: &&Transition| (t.at + t.before..t.at + t.after).contains(&wall);
        let change = self.transitions.iter().rev().find(skipped);
        change.expect("a value is named or skipped")
    }

    fn wall_cutoff(&self) -> i64 {
        wall_cutoff(0, self.offset_at(0), &self.near(0))
    }

    fn near(&self, instant: i64) -> Vec<Transition> {
        let near = |t: &&Transition| (t.at - instant).abs() <= 2 * DAY;
        self.transitions.iter().filter(near).copied().collect()
    }

    fn first_instant(&self, wall: i64) -> i64 {
        first_instant(wall, self.offset_at(wall), &self.near(wall))
    }
}

/// A zone's offset from UTC: PostgreSQL allows less than 16 hours either way.
fn any_offset() -> impl Strategy<Value = i64> {
    prop_oneof![-63..=63i64, -4..=4i64]
}

/// Up to four changes, each at least `apart` after the one before.
fn any_world(apart: i64) -> impl Strategy<Value = World> {
    let changes = prop::collection::vec((apart..apart + 3 * DAY, any_offset()), 0..=4);
    (-4 * DAY..2 * DAY, any_offset(), changes).prop_map(|(first, offset, changes)| {
        let mut transitions: Vec<Transition> = Vec::new();
        for (gap, after) in changes {
            let last = transitions.last();
            let before = last.map_or(offset, |t| t.after);
            let at = last.map_or(first, |t| t.at + gap);
            // Samoa jumped a day; nobody jumps further.
            if at.abs() < HORIZON / 2 && after != before && (after - before).abs() <= DAY {
                transitions.push(Transition { at, before, after });
            }
        }
        World {
            offset,
            transitions,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cutoff_is_what_its_definition_says(world in any_world(2 * DAY)) {
        prop_assert_eq!(world.wall_cutoff(), world.wall_cutoff_by_definition());
    }

    /// Changes that follow each other within hours never happened, but would not delete too much either.
    #[test]
    fn a_hectic_clock_never_expires_a_value_too_early(world in any_world(1)) {
        prop_assert!(world.wall_cutoff() <= world.wall_cutoff_by_definition());
    }

    /// A run that starts later deletes at least as much, also during the hour that is repeated.
    #[test]
    fn the_cutoff_never_moves_back_as_time_goes_by(
        world in any_world(2 * DAY), later in 1..DAY,
    ) {
        let at = |instant: i64| wall_cutoff(instant, world.offset_at(instant), &world.transitions);
        prop_assert!(at(0) <= at(later));
    }

    #[test]
    fn the_first_instant_of_a_value_is_what_its_definition_says(
        world in any_world(2 * DAY), wall in -DAY..DAY,
    ) {
        let shows = |instant: &i64| instant + world.offset_at(*instant) >= wall;
        prop_assert_eq!(Some(world.first_instant(wall)), (-HORIZON..HORIZON).find(shows));
    }

    /// Nothing that is kept for days is taken away before they are over, whatever the clock does then and now.
    #[test]
    fn what_is_before_the_cutoff_is_over_some_days_later(
        world in any_world(1), days in 1..3i64,
    ) {
        let wall = world.wall_cutoff() - days * DAY;
        let cutoff = world.first_instant(wall);
        let read = world.reading();
        for instant in cutoff - DAY..cutoff {
            let later = instant + world.offset_at(instant) + days * DAY;
            prop_assert!(read(later) < 0, "{instant}");
        }
    }

    #[test]
    fn no_instant_or_offset_overflows(
        cutoff: i64, offset: i64,
        changes in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 0..4),
    ) {
        let transitions: Vec<_> = changes
            .into_iter()
            .map(|(at, before, after)| Transition { at, before, after })
            .collect();
        let wall = wall_cutoff(cutoff, offset, &transitions);
        prop_assert!(wall <= cutoff.saturating_add(offset));
        first_instant(cutoff, offset, &transitions);
    }
}

/// Microseconds since 2000-01-01 00:00 of "2026-03-29 01:00".
fn clock(text: &str) -> i64 {
    let numbers: Vec<i64> = text
        .split(['-', ' ', ':'])
        .map(|number| number.parse().unwrap())
        .collect();
    let [year, month, day, hour, minute] = numbers[..] else {
        panic!("{text} is not a time");
    };
    // Days from civil: a year that begins in March has its leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days - 730_425;
    ((days * 24 + hour) * 60 + minute) * 60_000_000
}

fn hours(offset: f64) -> i64 {
    (offset * 3_600_000_000.0) as i64
}

/// A change of a zone's clock: its instant in UTC, the offsets before and after, and what the cut-off should be on the
/// wall clock (on the right) when it is at an instant in UTC (on the left).
type Change<'a> = (&'a str, f64, f64, &'a [(&'a str, &'a str)]);

fn check(changes: &[Change]) {
    for (at, before, after, expected) in changes {
        let transition = Transition {
            at: clock(at),
            before: hours(*before),
            after: hours(*after),
        };
        for (cutoff, wall) in *expected {
            let cutoff = clock(cutoff);
            let past = cutoff >= transition.at;
            let offset = if past {
                transition.after
            } else {
                transition.before
            };
            let found = wall_cutoff(cutoff, offset, &[transition]);
            assert_eq!(found, clock(wall), "{wall}");
        }
    }
}

#[test]
fn without_a_change_the_cutoff_is_local_time() {
    let cutoff = clock("2026-07-01 12:00");
    assert_eq!(wall_cutoff(cutoff, 0, &[]), cutoff);
    let delhi = wall_cutoff(cutoff, hours(5.5), &[]);
    assert_eq!(delhi, clock("2026-07-01 17:30"));
}

#[test]
fn europe_berlin() {
    check(&[
        // Forward at 02:00. 02:15 names no instant and is read as 01:15 UTC, when the clock shows 03:15.
        (
            "2026-03-29 01:00",
            1.0,
            2.0,
            &[
                ("2026-03-29 00:59", "2026-03-29 01:59"),
                ("2026-03-29 01:00", "2026-03-29 02:00"),
                ("2026-03-29 01:15", "2026-03-29 02:15"),
                ("2026-03-29 01:59", "2026-03-29 02:59"),
                ("2026-03-29 02:00", "2026-03-29 04:00"),
            ],
        ),
        // Back at 03:00: from 02:00 on, every value comes again, and counts as its second time.
        (
            "2026-10-25 01:00",
            2.0,
            1.0,
            &[
                ("2026-10-24 23:59", "2026-10-25 01:59"),
                ("2026-10-25 00:00", "2026-10-25 02:00"),
                ("2026-10-25 00:30", "2026-10-25 02:00"),
                ("2026-10-25 01:00", "2026-10-25 02:00"),
                ("2026-10-25 01:30", "2026-10-25 02:30"),
                ("2026-10-25 02:00", "2026-10-25 03:00"),
            ],
        ),
    ]);
}

#[test]
fn america_new_york() {
    check(&[
        (
            "2026-03-08 07:00",
            -5.0,
            -4.0,
            &[
                ("2026-03-08 06:59", "2026-03-08 01:59"),
                ("2026-03-08 07:30", "2026-03-08 02:30"),
                ("2026-03-08 08:00", "2026-03-08 04:00"),
            ],
        ),
        (
            "2026-11-01 06:00",
            -4.0,
            -5.0,
            &[
                ("2026-11-01 04:59", "2026-11-01 00:59"),
                ("2026-11-01 05:30", "2026-11-01 01:00"),
                ("2026-11-01 06:30", "2026-11-01 01:30"),
            ],
        ),
    ]);
}

#[test]
fn australia_lord_howe_moves_by_half_an_hour() {
    check(&[
        (
            "2026-04-04 15:00",
            11.0,
            10.5,
            &[
                ("2026-04-04 14:29", "2026-04-05 01:29"),
                ("2026-04-04 14:45", "2026-04-05 01:30"),
                ("2026-04-04 15:15", "2026-04-05 01:45"),
            ],
        ),
        (
            "2026-10-03 15:30",
            10.5,
            11.0,
            &[
                ("2026-10-03 15:29", "2026-10-04 01:59"),
                ("2026-10-03 15:45", "2026-10-04 02:15"),
                ("2026-10-03 16:00", "2026-10-04 03:00"),
            ],
        ),
    ]);
}

#[test]
fn africa_casablanca_goes_back_for_ramadan() {
    check(&[
        (
            "2026-02-15 02:00",
            1.0,
            0.0,
            &[
                ("2026-02-15 01:30", "2026-02-15 02:00"),
                ("2026-02-15 02:30", "2026-02-15 02:30"),
            ],
        ),
        (
            "2026-03-22 02:00",
            0.0,
            1.0,
            &[
                ("2026-03-22 01:59", "2026-03-22 01:59"),
                ("2026-03-22 02:30", "2026-03-22 02:30"),
                ("2026-03-22 03:00", "2026-03-22 04:00"),
            ],
        ),
    ]);
}

#[test]
fn pacific_apia_left_out_a_day() {
    check(&[(
        "2011-12-30 10:00",
        -10.0,
        14.0,
        &[
            ("2011-12-30 09:59", "2011-12-29 23:59"),
            ("2011-12-30 10:00", "2011-12-30 00:00"),
            ("2011-12-30 22:00", "2011-12-30 12:00"),
            ("2011-12-31 09:59", "2011-12-30 23:59"),
            ("2011-12-31 10:00", "2012-01-01 00:00"),
        ],
    )]);
}

#[test]
fn a_posix_specification_is_no_name_of_a_zone() {
    for name in [
        "UTC",
        "Europe/Berlin",
        "etc/gmt+5",
        "EST5EDT",
        "GMT0",
        "NZ-CHAT",
        "America/Port-au-Prince",
    ] {
        assert!(is_zone_name(name), "{name}");
    }
    for name in [
        "UTC-5",
        "-05:00",
        "-5",
        "GMT-5",
        "<+05>-5",
        "CET-1CEST",
        "localtime",
        "Factory",
        "posixrules",
    ] {
        assert!(!is_zone_name(name), "{name}");
    }
}
