//! The cut-off, converted into the column's type and unit.
//!
//! The column itself is never converted: it stays usable for an index, and no value in it, however large, can overflow.
//! Every rounding and every saturation here goes towards deleting nothing.

use crate::kind::Kind;
use crate::number::clamped;
use crate::unit::Unit;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// From the Unix epoch to 2000-01-01 00:00 UTC, PostgreSQL's.
const UNIX_TO_POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// Fifty years of 365.25 days. A number further away from now than this is taken for one in another unit: between
/// seconds, milliseconds and microseconds lies a factor of a thousand, which is far more than the fifty years can span. Nor
/// is one from before 2000: no session of then is left, but a lifetime of ten years in seconds would be in 1980, and what
/// counts from 2001 in the nineties.
const PLAUSIBLE: i64 = 50 * 36_525 * (MICROSECONDS_PER_DAY / 100);

/// The first timestamp, or date, that can expire: 2000-01-01, from which PostgreSQL counts both. What programs write for no
/// instant lies before it (0001-01-01, 1970-01-01), and so does what an expression makes of too small a unit.
const FIRST_TIME: i64 = 0;

/// From 2000-01-01 to 10001-01-01, twenty times the 400 years after which the calendar begins anew, and a year. No program
/// writes a later one, but milliseconds that are read as seconds are thousands of years later still.
const DAYS_OF_TIMES: i64 = 20 * 146_097 + 366;

/// The values of expired rows, in the column's own terms: `from <= value && value < below`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Microseconds, days or units, for every kind but [`Kind::Float8`].
    Integer { from: i64, below: i64 },
    /// Units, for [`Kind::Float8`].
    Float { from: f64, below: f64 },
}

/// The numbers that are plausible as an instant: `from <= value && value <= to`.
///
/// Besides, NULL, 0, the type's largest and smallest values, the infinities and NaN mean "never": they do not expire,
/// and are not implausible either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plausible {
    /// The least.
    pub from: i64,
    /// The largest.
    pub to: i64,
}

/// What the rule lacks, or has too much of, to make a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A number without a unit.
    UnitMissing,
    /// A unit for a timestamp or a date.
    UnitForTime,
    /// A timestamp without time zone, or a date, without a zone.
    ZoneMissing,
}

/// The values that have expired at `cutoff`.
///
/// `now` and `cutoff` (`now` minus the time to keep) are microseconds since 2000-01-01 00:00 UTC; `wall` is what
/// [`crate::zone::wall_cutoff`] makes of the cut-off, and only needed for naive kinds.
pub fn expired_range(
    kind: Kind,
    unit: Option<Unit>,
    now: i64,
    cutoff: i64,
    wall: Option<i64>,
) -> Result<Range, Error> {
    if unit.is_some() && !kind.is_number() {
        return Err(Error::UnitForTime);
    }
    match kind {
        // `infinity` is i64::MAX, below which every cut-off ends.
        Kind::TimestampTz => Ok(Range::Integer {
            from: FIRST_TIME,
            below: cutoff,
        }),
        Kind::Timestamp => Ok(Range::Integer {
            from: FIRST_TIME,
            below: wall.ok_or(Error::ZoneMissing)?,
        }),
        // Rounded down: a date counts until its day is over.
        Kind::Date => Ok(Range::Integer {
            from: FIRST_TIME,
            below: wall
                .ok_or(Error::ZoneMissing)?
                .div_euclid(MICROSECONDS_PER_DAY),
        }),
        Kind::Int4 | Kind::Int8 | Kind::Numeric | Kind::Float8 => Ok(expired_numbers(
            kind,
            unit.ok_or(Error::UnitMissing)?,
            now,
            cutoff,
        )),
    }
}

/// The part of [`expired_range`] for numbers. Nothing older than is plausible is ever deleted as a number: it is
/// more likely a mistaken unit, a lifetime or a marker than a session.
fn expired_numbers(kind: Kind, unit: Unit, now: i64, cutoff: i64) -> Range {
    let from = plausible_range(kind, unit, now).from;
    let cutoff = since_unix_epoch(cutoff);
    if kind == Kind::Float8 {
        // A float below the quotient, to whichever side that was rounded, is below the exact one.
        return Range::Float {
            from: from as f64,
            below: float_down(cutoff) / unit.microseconds() as f64,
        };
    }
    // Rounded down: a stored whole second may stand for any instant in it. The type's largest value is a marker.
    Range::Integer {
        from,
        below: whole_units(cutoff, unit).min(largest(kind)),
    }
}

/// The values of a number column that are plausible as an instant in that unit: about fifty years around `now`, and
/// not before 2000.
pub fn plausible_range(kind: Kind, unit: Unit, now: i64) -> Plausible {
    let now = since_unix_epoch(now);
    Plausible {
        from: whole_units(
            (now - i128::from(PLAUSIBLE)).max(i128::from(UNIX_TO_POSTGRES_EPOCH)),
            unit,
        ),
        to: whole_units(now + i128::from(PLAUSIBLE), unit).min(largest(kind)),
    }
}

/// The timestamps, or dates, that an expression may have, the infinities aside: what is outside comes of another unit than
/// the expression takes it for.
pub fn plausible_times(kind: Kind) -> Plausible {
    Plausible {
        from: FIRST_TIME,
        to: match kind {
            Kind::Date => DAYS_OF_TIMES,
            _ => DAYS_OF_TIMES * MICROSECONDS_PER_DAY,
        },
    }
}

/// The units in which a number would be plausible as an instant: what to suggest for one that is not in its own.
pub fn units_that_fit(value: f64, now: i64) -> Vec<Unit> {
    Unit::ALL
        .into_iter()
        .filter(|unit| {
            let plausible = plausible_range(Kind::Float8, *unit, now);
            value >= plausible.from as f64 && value <= plausible.to as f64
        })
        .collect()
}

/// Whether an instant lies more than a year back: a number that is one only in another unit than its own may as well be a
/// marker, such as 1000000000000, which is 2001 in milliseconds.
pub fn is_long_over(value: f64, unit: Unit, now: i64) -> bool {
    const YEAR: f64 = 366.0 * MICROSECONDS_PER_DAY as f64;
    let instant = value * unit.microseconds() as f64 - UNIX_TO_POSTGRES_EPOCH as f64;
    instant < now as f64 - YEAR
}

/// Whether a number is nothing but nines, which mean "never": twelve of them are far ahead in seconds, and 2001 in milliseconds.
pub fn is_nines(number: &str) -> bool {
    let whole = number.strip_suffix(".0").unwrap_or(number);
    whole.len() > 9 && whole.bytes().all(|digit| digit == b'9')
}

/// Microseconds since the Unix epoch; in wide arithmetic, because the shift may leave the range of an instant.
fn since_unix_epoch(instant: i64) -> i128 {
    i128::from(instant) + i128::from(UNIX_TO_POSTGRES_EPOCH)
}

/// Whole units, rounded down, within what a bigint holds.
fn whole_units(microseconds: i128, unit: Unit) -> i64 {
    clamped(microseconds.div_euclid(i128::from(unit.microseconds())))
}

/// The largest float that is not above the number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that comes from an integer is one"
)]
fn float_down(number: i128) -> f64 {
    let float = number as f64;
    if float as i128 > number {
        float.next_down()
    } else {
        float
    }
}

/// The largest whole number that a column of this kind can be compared with here. For the integer types this is their
/// largest value; numeric and float8 have larger ones, which no plausible instant reaches.
fn largest(kind: Kind) -> i64 {
    match kind {
        Kind::Int4 => i64::from(i32::MAX),
        _ => i64::MAX,
    }
}
