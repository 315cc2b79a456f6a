//! The cut-off in the column's own terms, against its definition in arithmetic that cannot overflow.

use logic::cutoff::{
    Error, Range, expired_range, is_long_over, is_nines, plausible_range, units_that_fit,
};
use logic::kind::Kind;
use logic::unit::Unit;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// From 1970 to 2000, PostgreSQL's epoch.
const EPOCHS_APART: i64 = 946_684_800 * SECOND;
/// 2026-07-01 12:00 UTC in Unix time, and as PostgreSQL counts.
const UNIX_NOW: i64 = 1_782_907_200;
const NOW: i64 = UNIX_NOW * SECOND - EPOCHS_APART;

const INTEGERS: [(Kind, i64, i64); 2] = [
    (Kind::Int4, i32::MIN as i64, i32::MAX as i64),
    (Kind::Int8, i64::MIN, i64::MAX),
];

/// The bounds for a kind that is compared as an integer.
fn integers(
    kind: Kind,
    unit: Option<Unit>,
    now: i64,
    cutoff: i64,
    wall: Option<i64>,
) -> (i64, i64) {
    match expired_range(kind, unit, now, cutoff, wall) {
        Ok(Range::Integer { from, below }) => (from, below),
        other => panic!("{kind:?}: {other:?}"),
    }
}

fn floats(unit: Unit, now: i64, cutoff: i64) -> (f64, f64) {
    match expired_range(Kind::Float8, Some(unit), now, cutoff, None) {
        Ok(Range::Float { from, below }) => (from, below),
        other => panic!("{other:?}"),
    }
}

fn has_expired(kind: Kind, unit: Unit, now: i64, cutoff: i64, value: i64) -> bool {
    let (from, below) = integers(kind, Some(unit), now, cutoff, None);
    from <= value && value < below
}

/// The instant that a number names, in microseconds of Unix time.
fn instant(value: i64, unit: Unit) -> i128 {
    i128::from(value) * i128::from(unit.microseconds())
}

fn unix(instant: i64) -> i128 {
    i128::from(instant) + i128::from(EPOCHS_APART)
}

#[test]
fn a_timestamptz_expires_strictly_after_its_instant() {
    let (from, below) = integers(Kind::TimestampTz, None, NOW, NOW - 5, None);
    assert_eq!((from, below), (0, NOW - 5));
}

#[test]
fn a_timestamp_follows_the_wall_clock_and_not_the_instant() {
    let wall = NOW + 2 * 3_600 * SECOND;
    let (from, below) = integers(Kind::Timestamp, None, NOW, NOW, Some(wall));
    assert_eq!((from, below), (0, wall));
}

#[test]
fn a_date_counts_until_its_day_is_over() {
    let below = |wall| integers(Kind::Date, None, NOW, NOW, Some(wall)).1;
    assert_eq!(below(10 * DAY - 1), 9);
    assert_eq!(below(10 * DAY), 10);
    assert_eq!(below(-1), -1);
    assert_eq!(below(-DAY), -1);
}

#[test]
fn a_number_counts_until_its_unit_is_over() {
    let last = |cutoff| integers(Kind::Int8, Some(Unit::Seconds), NOW, cutoff, None).1 - 1;
    assert_eq!(last(NOW), UNIX_NOW - 1);
    assert_eq!(last(NOW + SECOND - 1), UNIX_NOW - 1);
    assert_eq!(last(NOW + SECOND), UNIX_NOW);
    let (_, below) = integers(Kind::Int8, Some(Unit::Milliseconds), NOW, NOW, None);
    assert_eq!(below, UNIX_NOW * 1_000);
    let (_, below) = integers(Kind::Numeric, Some(Unit::Microseconds), NOW, NOW, None);
    assert_eq!(below, UNIX_NOW * SECOND);
}

#[test]
fn a_float_is_not_rounded_to_whole_units() {
    let (from, below) = floats(Unit::Seconds, NOW, NOW + SECOND / 2);
    assert_eq!(below, UNIX_NOW as f64 + 0.5);
    let plausible = plausible_range(Kind::Float8, Unit::Seconds, NOW);
    assert_eq!(from, plausible.from as f64);
}

#[test]
fn a_float_too_large_to_count_microseconds_is_rounded_down() {
    let instants = [
        (Unit::Seconds, 3_630_704_197_623_815_427),
        (Unit::Milliseconds, 6_305_184_383_473_940_999),
    ];
    for (unit, unix) in instants {
        let (_, below) = floats(unit, NOW, unix - EPOCHS_APART);
        assert!(is_before(below.next_down(), unit, i128::from(unix)));
    }
}

#[test]
fn plausible_is_fifty_years_around_now_but_from_2000_on() {
    let later = NOW + 30 * 366 * DAY;
    let plausible = plausible_range(Kind::Int8, Unit::Seconds, later);
    assert_eq!(
        plausible.from,
        UNIX_NOW + 30 * 366 * 86_400 - 50 * 31_557_600
    );
    for unit in Unit::ALL {
        let plausible = plausible_range(Kind::Int8, unit, NOW);
        let scale = SECOND / unit.microseconds();
        assert_eq!(plausible.from, 946_684_800 * scale);
        assert_eq!(plausible.to, (UNIX_NOW + 50 * 31_557_600) * scale);
    }
    // An integer ends in 2038.
    let plausible = plausible_range(Kind::Int4, Unit::Seconds, NOW);
    assert_eq!(plausible.to, i64::from(i32::MAX));
}

/// A lifetime of years, points in a game, and what counts from 2001 on: none of them is an instant in any unit.
#[test]
fn a_length_of_time_is_no_instant_however_long() {
    const YEAR: i64 = 31_557_600;
    for seconds in [
        1,
        1440,
        30 * 86_400,
        YEAR,
        10 * YEAR - 216_000,
        10 * YEAR,
        20 * YEAR,
        29 * YEAR,
        250_000_000,
        UNIX_NOW - 978_307_200,
    ] {
        for (unit, value) in Unit::ALL.map(|unit| (unit, SECOND / unit.microseconds() * seconds)) {
            for kind in [Kind::Int4, Kind::Int8, Kind::Numeric] {
                assert!(!has_expired(kind, unit, NOW, NOW, value), "{value}");
            }
            let (from, below) = floats(unit, NOW, NOW);
            assert!(!(from <= value as f64 && (value as f64) < below));
            assert!(value < plausible_range(Kind::Int8, unit, NOW).from);
            assert!(!units_that_fit(value as f64, NOW).contains(&unit));
        }
    }
}

#[test]
fn nines_are_in_no_unit() {
    for nines in ["999999999999", "999999999999999", "9999999999.0"] {
        assert!(is_nines(nines), "{nines}");
    }
    for number in [
        "999999999998",
        "999999999",
        "1000000000000",
        "-999999999999",
        "",
    ] {
        assert!(!is_nines(number), "{number}");
    }
}

#[test]
fn a_marker_for_never_is_long_over_in_any_unit_that_it_fits() {
    for marker in [1e9, 1e12, 1e15] {
        for unit in units_that_fit(marker, NOW) {
            assert!(is_long_over(marker, unit, NOW), "{marker} {unit:?}");
        }
    }
    let year = 366.0 * 86_400.0;
    let now = (NOW / 1_000_000) as f64 + 946_684_800.0;
    assert!(!is_long_over(now - year + 1.0, Unit::Seconds, NOW));
    assert!(is_long_over(now - year - 1.0, Unit::Seconds, NOW));
    assert!(is_long_over(
        (now - year - 1.0) * 1e3,
        Unit::Milliseconds,
        NOW
    ));
    assert!(!is_long_over((now + year) * 1e6, Unit::Microseconds, NOW));
}

#[test]
fn a_number_in_another_unit_is_told_by_its_size() {
    let now = UNIX_NOW as f64;
    assert_eq!(units_that_fit(now, NOW), [Unit::Seconds]);
    assert_eq!(units_that_fit(now * 1e3, NOW), [Unit::Milliseconds]);
    assert_eq!(units_that_fit(now * 1e6, NOW), [Unit::Microseconds]);
    // A lifetime, a marker, nanoseconds, and what is no number.
    for value in [1440.0, 0.0, -1.0, now * 1e9, f64::INFINITY, f64::NAN] {
        assert_eq!(units_that_fit(value, NOW), [], "{value}");
    }
}

#[test]
fn a_rule_that_lacks_or_repeats_something_is_refused() {
    let range = |kind, unit, wall| expired_range(kind, unit, NOW, NOW, wall);
    for kind in [Kind::Int4, Kind::Int8, Kind::Float8, Kind::Numeric] {
        assert!(kind.is_number() && !kind.is_naive());
        assert_eq!(range(kind, None, None), Err(Error::UnitMissing));
        assert_eq!(range(kind, None, Some(NOW)), Err(Error::UnitMissing));
    }
    for kind in [Kind::Timestamp, Kind::Date] {
        assert!(kind.is_naive() && !kind.is_number());
        assert_eq!(range(kind, None, None), Err(Error::ZoneMissing));
    }
    for kind in [Kind::TimestampTz, Kind::Timestamp, Kind::Date] {
        for unit in Unit::ALL {
            assert_eq!(range(kind, Some(unit), Some(NOW)), Err(Error::UnitForTime));
        }
    }
}

fn any_unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(&Unit::ALL[..])
}

/// Any instant at all, but often an extreme one or one of our time.
fn any_instant() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        prop::sample::select(vec![
            i64::MIN,
            i64::MIN + 1,
            -EPOCHS_APART,
            -1,
            0,
            1,
            i64::MAX
        ]),
        NOW - 60 * 366 * DAY..NOW + 60 * 366 * DAY,
    ]
}

/// A clock between 1970 and 2100, and a cut-off up to twenty years before it.
fn any_run() -> impl Strategy<Value = (i64, i64)> {
    let now = -EPOCHS_APART..100 * 366 * DAY;
    (now, 0..20 * 366 * DAY).prop_map(|(now, keep)| (now, now - keep))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_integer_has_expired_if_it_is_plausible_and_over(
        (now, cutoff) in any_run(), unit in any_unit(), near in -100..100i64, any: i64,
    ) {
        for (kind, _, largest) in INTEGERS {
            let at_cutoff = (unix(cutoff) / i128::from(unit.microseconds())) as i64;
            for value in [at_cutoff.saturating_add(near), any, any % largest] {
                let plausible = unix(now) - instant(value, unit) <= i128::from(50 * 365 * DAY + 25 * DAY / 2)
                    && instant(value, unit) >= i128::from(EPOCHS_APART);
                let over = instant(value, unit) + i128::from(unit.microseconds()) <= unix(cutoff);
                let expected = value > 0 && value < largest && plausible && over;
                prop_assert_eq!(has_expired(kind, unit, now, cutoff, value), expected, "{:?} {}", kind, value);
            }
        }
    }

    #[test]
    fn a_marker_for_never_never_expires(now in any_instant(), cutoff in any_instant(), unit in any_unit()) {
        for (kind, smallest, largest) in INTEGERS {
            for marker in [0, -1, smallest, smallest + 1, largest] {
                prop_assert!(!has_expired(kind, unit, now, cutoff, marker));
            }
        }
        let (from, below) = floats(unit, now, cutoff);
        for marker in [0.0, -1.0, f64::MIN, f64::NEG_INFINITY, f64::INFINITY, f64::NAN, f64::MAX] {
            prop_assert!(!(from <= marker && marker < below));
        }
        for kind in [Kind::TimestampTz, Kind::Timestamp] {
            let (from, _) = integers(kind, None, now, cutoff, Some(cutoff));
            // Also 0001-01-01, 1970-01-01 and everything else before 2000.
            prop_assert_eq!(from, 0);
        }
        let (from, below) = integers(Kind::Date, None, now, cutoff, Some(cutoff));
        prop_assert!(from == 0 && below <= i64::from(i32::MAX));
    }

    /// Whatever the clock says, nothing is deleted before its instant, and no sum overflows.
    #[test]
    fn nothing_expires_before_the_cutoff(
        now in any_instant(), cutoff in any_instant(), unit in any_unit(), float: f64,
    ) {
        for (kind, _, _) in INTEGERS {
            let (_, below) = integers(kind, Some(unit), now, cutoff, None);
            prop_assert!(instant(below, unit) <= unix(cutoff).max(instant(i64::MIN, unit)));
        }
        let (_, below) = floats(unit, now, cutoff);
        for value in [float, below.next_down(), below.next_down().next_down()] {
            if 1.0 <= value && value < below {
                prop_assert!(is_before(value, unit, unix(cutoff)), "{} {}", value, below);
            }
        }
        let (_, below) = integers(Kind::Date, None, now, cutoff, Some(cutoff));
        prop_assert!(i128::from(below) * i128::from(DAY) <= i128::from(cutoff));
    }

    #[test]
    fn milliseconds_read_as_seconds_never_expire_nor_the_reverse(
        now in 20 * 366 * DAY..100 * 366 * DAY, age in 0..20 * 366 * DAY,
    ) {
        let written = unix(now - age);
        for unit in Unit::ALL {
            let value = (written / i128::from(unit.microseconds())) as i64;
            prop_assert_eq!(units_that_fit(value as f64, now), [unit]);
            for read_as in Unit::ALL.into_iter().filter(|other| *other != unit) {
                prop_assert!(!has_expired(Kind::Int8, read_as, now, now, value));
                let plausible = plausible_range(Kind::Int8, read_as, now);
                prop_assert!(value < plausible.from || value > plausible.to);
            }
        }
    }

    #[test]
    fn what_expires_is_plausible(now in any_instant(), cutoff in any_instant(), unit in any_unit()) {
        let cutoff = cutoff.min(now);
        for kind in [Kind::Int4, Kind::Int8, Kind::Numeric] {
            let (from, below) = integers(kind, Some(unit), now, cutoff, None);
            let plausible = plausible_range(kind, unit, now);
            prop_assert_eq!(from, plausible.from);
            prop_assert!(below <= plausible.to || below <= from);
        }
    }

    /// As time goes by, what has expired stays so, until it is too old to be a session.
    #[test]
    fn a_later_run_deletes_no_less(now in any_instant(), unit in any_unit(), later in 0..366 * DAY) {
        let then = now.saturating_add(later);
        for kind in [Kind::Int4, Kind::Int8, Kind::Numeric] {
            let before = integers(kind, Some(unit), now, now, None);
            let after = integers(kind, Some(unit), then, then, None);
            prop_assert!(before.0 <= after.0 && before.1 <= after.1);
        }
        let before = floats(unit, now, now);
        let after = floats(unit, then, then);
        prop_assert!(before.0 <= after.0 && before.1 <= after.1);
        for kind in [Kind::TimestampTz, Kind::Timestamp, Kind::Date] {
            let before = integers(kind, None, now, now, Some(now));
            let after = integers(kind, None, then, then, Some(then));
            prop_assert!(before.0 == after.0 && before.1 <= after.1);
        }
    }
}

/// Whether the exact instant that a float names is before another. A float from 1 on is a whole number of 2^-52ths.
fn is_before(value: f64, unit: Unit, other: i128) -> bool {
    let whole = value.trunc();
    let rest = ((value - whole) * (1u64 << 52) as f64) as i128;
    let parts = (whole as i128 * (1 << 52) + rest) * i128::from(unit.microseconds());
    parts < other * (1 << 52)
}
