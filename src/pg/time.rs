//! PostgreSQL's clock, intervals and time zones. Instants are microseconds since 2000-01-01 00:00 UTC, as timestamptz.

use core::ffi::{c_int, c_long};
use logic::number;
use logic::zone::{Transition, first_instant, wall_cutoff};
use pgrx::{datum::Interval, direct_function_call_as_datum, pg_sys};
use std::ffi::CString;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;

/// Seconds from the Unix epoch, which pg_time_t counts from, to 2000-01-01 (datatype/timestamp.h).
const EPOCH_DIFFERENCE: i64 =
    (pg_sys::POSTGRES_EPOCH_JDATE as i64 - pg_sys::UNIX_EPOCH_JDATE as i64) * 86_400;

/// How far around a cut-off a change of the clock matters: no zone has ever moved by more than a day.
const NEIGHBOURHOOD: i64 = 2 * 86_400 * MICROSECONDS_PER_SECOND;

/// The clock.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// When the postmaster has loaded the library. Its processes, which it forks, go by the same.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Begins to count what [`steady`] says. While preloading.
pub fn begin_steady_time() {
    BEGAN.get_or_init(Instant::now);
}

/// A time that nobody sets: microseconds since the server has loaded the library, and never 0. The same in all of its processes, if
/// it is preloaded. On Linux the time that the machine sleeps does not count.
pub fn steady() -> i64 {
    1 + number::microseconds(BEGAN.get_or_init(Instant::now).elapsed())
}

/// How long past its instant a row is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    months: i32,
    days: i32,
    microseconds: i64,
}

impl From<Interval> for Keep {
    fn from(interval: Interval) -> Self {
        Keep {
            months: interval.months(),
            days: interval.days(),
            microseconds: interval.micros(),
        }
    }
}

impl Keep {
    /// '-infinity' and 'infinity', which intervals have since PostgreSQL 17 (datatype/timestamp.h).
    pub fn is_infinite(&self) -> bool {
        (self.months == i32::MAX && self.days == i32::MAX && self.microseconds == i64::MAX)
            || (self.months == i32::MIN && self.days == i32::MIN && self.microseconds == i64::MIN)
    }

    pub fn of_microseconds(microseconds: i64) -> Self {
        Keep {
            months: 0,
            days: 0,
            microseconds,
        }
    }

    /// In microseconds, a month of 30 days and a day of 24 hours; at the limits of a bigint if beyond them.
    pub fn microseconds(&self) -> i64 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        let microseconds = days * 86_400_000_000 + i128::from(self.microseconds);
        number::clamped(microseconds)
    }

    /// As PostgreSQL compares intervals: a month is 30 days, a day 24 hours (utils/adt/timestamp.c, interval_cmp_value).
    pub fn is_negative(&self) -> bool {
        self.microseconds() < 0
    }

    /// An instant before which every one, plus `keep`, is before `now`: `now - keep`, and around a change of the clock up to
    /// as much earlier as the clock is set forward or back.
    ///
    /// `instant + keep` adds months, then days, then the time (utils/adt/timestamp.c, timestamptz_pl_interval). So they are
    /// taken away in the opposite order: taking the months first, as `now - keep` does, could end after an instant whose month
    /// is shorter.
    ///
    /// ERROR 22008 where there is no such instant. Days and months are the session's time zone's.
    pub fn before(&self, now: i64) -> i64 {
        let instant = minus_microseconds(now, self.microseconds);
        let instant = minus_on_the_clock(instant, 0, self.days);
        minus_on_the_clock(instant, self.months, 0)
    }

    /// An interval from its text, in the session's IntervalStyle or any other form. ERROR 22007 where it is none.
    pub fn parse(text: &str) -> Keep {
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: interval_in takes a C string, a type's oid, which it ignores, and a type modifier, -1 for none; it
        // returns a pointer to a palloc'd interval, which is copied.
        unsafe {
            let interval = direct_function_call_as_datum(
                pg_sys::interval_in,
                &[
                    Some(pg_sys::Datum::from(text.as_ptr())),
                    Some(pg_sys::Datum::from(pg_sys::InvalidOid)),
                    Some(pg_sys::Datum::from(-1_i32)),
                ],
            )
            .expect("interval_in returns an interval");
            let interval = &*interval.cast_mut_ptr::<pg_sys::Interval>();
            Keep {
                months: interval.month,
                days: interval.day,
                microseconds: interval.time,
            }
        }
    }

    /// As a length of time, a month of 30 days, a day of 24 hours; nothing where it is negative.
    pub fn duration(&self) -> Duration {
        let days = i64::from(self.months) * 30 + i64::from(self.days);
        let microseconds = days
            .saturating_mul(86_400_000_000)
            .saturating_add(self.microseconds);
        Duration::from_micros(number::count(microseconds))
    }

    /// As an interval in the session's IntervalStyle.
    pub fn text(&self) -> String {
        let mut interval = interval(self.months, self.days, self.microseconds);
        // SAFETY: interval_out takes a pointer to an interval and returns a palloc'd string, which is copied.
        unsafe {
            let text = direct_function_call_as_datum(
                pg_sys::interval_out,
                &[Some(pg_sys::Datum::from(&raw mut interval))],
            )
            .expect("interval_out returns a string");
            core::ffi::CStr::from_ptr(text.cast_mut_ptr())
                .to_string_lossy()
                .into_owned()
        }
    }
}

fn interval(months: i32, days: i32, microseconds: i64) -> pg_sys::Interval {
    pg_sys::Interval {
        time: microseconds,
        day: days,
        month: months,
    }
}

/// ERROR 22008 where there is no such instant.
fn minus_microseconds(instant: i64, microseconds: i64) -> i64 {
    minus(instant, interval(0, 0, microseconds))
}

/// An instant before which every one, plus so many months and days on the clock of the session's zone, is before this one.
/// A value that the clock shows twice, or skips, may be that of an instant before and of one after.
fn minus_on_the_clock(instant: i64, months: i32, days: i32) -> i64 {
    if months == 0 && days == 0 {
        return instant;
    }
    let zone = Zone::of_session();
    let (offset, transitions) = zone.around(instant);
    let wall = wall_cutoff(instant, offset, &transitions);
    let wall = minus(wall, interval(months, days, 0));
    let (offset, transitions) = zone.around(wall);
    first_instant(wall, offset, &transitions)
}

/// `timestamp - interval`. ERROR 22008 where that is none.
fn minus(timestamp: i64, mut interval: pg_sys::Interval) -> i64 {
    // SAFETY: takes a timestamp and a pointer to an interval that lives as long as the call, returns a timestamp.
    unsafe {
        direct_function_call_as_datum(
            pg_sys::timestamp_mi_interval,
            &[
                Some(pg_sys::Datum::from(timestamp)),
                Some(pg_sys::Datum::from(&raw mut interval)),
            ],
        )
    }
    .expect("timestamp - interval is not NULL")
    .value()
    .cast_signed() as i64
}

/// A time zone of the server's.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: *const pg_sys::pg_tz,
}

impl Zone {
    /// A zone by its name, as the `timezone` setting takes it; `None` where the server knows none of that name.
    pub fn find(name: &str) -> Option<Zone> {
        let c_name = CString::new(name).ok()?;
        // SAFETY: pg_tzset reads the name and returns an entry of a cache that lives as long as the process
        // (timezone/pgtz.c). A longer name cannot be a zone's; it would be cut there.
        let zone = unsafe {
            if name.len() > pg_sys::TZ_STRLEN_MAX as usize {
                return None;
            }
            pg_sys::pg_tzset(c_name.as_ptr())
        };
        (!zone.is_null()).then(|| Zone {
            name: name.to_owned(),
            zone,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone of the setting `timezone`.
    pub fn of_session() -> Zone {
        // SAFETY: always set; an entry of the same cache. Its name is copied.
        unsafe {
            let zone: *const pg_sys::pg_tz = pg_sys::session_timezone;
            let name = core::ffi::CStr::from_ptr(pg_sys::pg_get_timezone_name(zone.cast_mut()));
            Zone {
                name: name.to_string_lossy().into_owned(),
                zone,
            }
        }
    }

    /// The offset from UTC at an instant, and the changes of it around, in microseconds: what
    /// [`logic::zone::wall_cutoff`] asks for.
    pub fn around(&self, instant: i64) -> (i64, Vec<Transition>) {
        let transitions = self.transitions(instant - NEIGHBOURHOOD, instant + NEIGHBOURHOOD);
        (self.offset_at(instant), transitions)
    }

    /// The offset from UTC in force at an instant, in microseconds.
    pub fn offset_at(&self, instant: i64) -> i64 {
        self.boundary_after(seconds(instant)).before
    }

    /// The changes of the offset after one instant and until another, in order.
    pub fn transitions(&self, from: i64, to: i64) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let mut after = seconds(from);
        loop {
            let change = self.boundary_after(after);
            let Some(boundary) = change.at.filter(|at| *at > after) else {
                return transitions;
            };
            let at = (boundary - EPOCH_DIFFERENCE) * MICROSECONDS_PER_SECOND;
            if at > to {
                return transitions;
            }
            transitions.push(Transition {
                at,
                before: change.before,
                after: change.after,
            });
            after = boundary;
        }
    }

    fn boundary_after(&self, at: i64) -> Boundary {
        let (mut before, mut after): (c_long, c_long) = (0, 0);
        let (mut before_dst, mut after_dst): (c_int, c_int) = (0, 0);
        let mut boundary: pg_sys::pg_time_t = 0;
        // SAFETY: every pointer is to a local; the zone lives as long as the process (timezone/localtime.c).
        let found = unsafe {
            pg_sys::pg_next_dst_boundary(
                &at,
                &mut before,
                &mut before_dst,
                &mut boundary,
                &mut after,
                &mut after_dst,
                self.zone,
            )
        };
        Boundary {
            at: (found == 1).then_some(boundary),
            before: before * MICROSECONDS_PER_SECOND,
            after: after * MICROSECONDS_PER_SECOND,
        }
    }
}

/// Whole seconds since the Unix epoch.
fn seconds(instant: i64) -> i64 {
    instant.div_euclid(MICROSECONDS_PER_SECOND) + EPOCH_DIFFERENCE
}

/// The offset at an instant, and where and to what it changes next; offsets in microseconds, the instant in seconds
/// since the Unix epoch.
struct Boundary {
    at: Option<i64>,
    before: i64,
    after: i64,
}
