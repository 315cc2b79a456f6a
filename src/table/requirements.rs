//! What a rule must say, and must not, for a value of its kind.

use super::columns::{TO_BE_FILLED_IN, columns, corrected_call, fill_in, unit_or_open};
use super::criterion::{Rule, Value};
use super::named::Named;
use crate::pg::{self, Attribute, Keep, Relation, Zone};
use crate::refusal::Refusal;
use logic::framework::{self, Framework};
use logic::kind::Kind;
use logic::recognize::meaning_in;
use logic::unit::Unit;
use logic::zone::is_zone_name;
use pgrx::prelude::PgSqlErrorCode;

/// How long past its instant a row is kept; zero if nothing was said.
pub fn check_keep(keep: Option<Keep>) -> Result<Keep, Refusal> {
    let keep = keep.unwrap_or_default();
    if keep.is_infinite() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "keep must be finite",
        )
        .hint(KEPT_FOREVER));
    }
    if keep.is_negative() {
        return Err(negative_keep());
    }
    Ok(keep)
}

/// `now - keep`; refuses (22008) where there is no such instant.
pub fn cutoff(keep: &Keep, now: i64) -> Result<i64, Refusal> {
    let cutoff = pg::refusing(KEPT_FOREVER, || keep.before(now)).map_err(|e| e.about("keep"))?;
    // Months and days of different signs may cancel out in a comparison of intervals, but not in the calendar.
    if cutoff > now {
        return Err(negative_keep());
    }
    Ok(cutoff)
}

const KEPT_FOREVER: &str = "Rows that are kept forever need no clearing.";

/// The refusal (22023) of a time to keep that would reach live rows.
fn negative_keep() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "keep must not be negative",
    )
    .hint("It says how long past its instant a row is kept; a negative time would delete live sessions.")
}

/// The unit of that name.
pub fn parse_unit(unit: &str) -> Result<Unit, Refusal> {
    Unit::parse(unit).ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("unit \"{unit}\" not recognized"),
        )
        .hint("Valid units are \"seconds\", \"milliseconds\" and \"microseconds\".")
    })
}

/// The server's time zone of that name. Refuses (22023) what is no name of a zone, such as POSIX' `UTC-5`, which is five hours
/// ahead of UTC there and means the opposite to everybody else.
pub fn find_zone(name: &str) -> Result<Zone, Refusal> {
    let zone = if is_zone_name(name) {
        Zone::find(name)
    } else {
        None
    };
    zone.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("time zone \"{name}\" not recognized"),
        )
        .hint("The view pg_timezone_names lists the time zones, for example 'UTC' or 'Europe/Berlin'.")
    })
}

/// A last-activity or creation time says nothing without the lifetime that the application has set. Refuses (22023)
/// where the column is a framework's, and no lifetime was given.
pub fn check_lifetime(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    framework: &Framework,
) -> Result<(), Refusal> {
    let Some(event) = framework.meaning().event() else {
        return Ok(());
    };
    if rule.keep.is_some() {
        return Ok(());
    }
    let usual = framework
        .usual_keep
        .map(|keep| format!(" ({keep} if nothing was set)"))
        .unwrap_or_default();
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!(
            "keep is required for table \"{}\" of {}",
            relation.name(),
            framework.name
        ),
    )
    .detail(format!(
        "Column \"{}\" says when a session was {event}; how long it lives after that is set in the application.",
        framework.expires
    ))
    .hint(format!(
        "Pass the lifetime that the application has{usual}: {}",
        corrected_call(relation, attributes, rule, &fill_in("keep"))
    )))
}

/// The same where the caller has named the column, or an expression that reads it. By its name it says when a row was
/// used or made, or a framework is known that writes that into it.
pub fn check_named_lifetime(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
) -> Result<(), Refusal> {
    if rule.keep.is_some() {
        return Ok(());
    }
    let columns = columns(attributes);
    let read = attributes
        .iter()
        .filter(|column| named.reads(column.attnum));
    let mut events =
        read.filter_map(|column| Some((column, meaning_in(&columns, &column.name).event()?)));
    let Some((column, event)) = events.next() else {
        return Ok(());
    };
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("keep is required for {}", named.description()),
    )
    .detail(format!(
        "Column \"{}\" seems to say when a row was {event}, and not when it expires.",
        column.name
    ))
    .hint(format!(
        "Pass how long a row lives after that: {} A keep of '0' says that the instant is that of expiry all the same.",
        corrected_call(relation, attributes, rule, &fill_in("keep"))
    )))
}

/// The unit of a number: the caller's or the framework's. None for another kind, which must not be given one.
pub fn unit_of(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
    kind: Kind,
    given: Option<Unit>,
    framework: Option<&Framework>,
) -> Result<Option<Unit>, Refusal> {
    if !kind.is_number() {
        return match given {
            None => Ok(None),
            Some(_) => Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!(
                    "unit cannot be used with {} of type {}",
                    named.description(),
                    kind.sql_name()
                ),
            )
            .hint("Units are for numbers. Leave out unit.")),
        };
    }
    let unit = given.or(framework.and_then(|framework| framework.unit));
    if unit.is_none() {
        let unit = match &named.value {
            Value::Column { name, .. } => unit_or_open(&columns(attributes), name),
            Value::Expression { .. } => TO_BE_FILLED_IN.to_owned(),
        };
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "unit is required for {} of type {}",
                named.description(),
                kind.sql_name()
            ),
        )
        .detail("A number says nothing without the unit that it counts since 1970-01-01 00:00 UTC.")
        .hint(format!(
            "Valid units are \"seconds\", \"milliseconds\" and \"microseconds\". For example: {}",
            corrected_call(relation, attributes, rule, &[("unit", Some(unit))])
        )));
    }
    Ok(unit)
}

/// Other names of UTC.
const UTC: [&str; 4] = ["UTC", "Etc/UTC", "GMT", "Etc/GMT"];

/// The zone that the caller has named, or the framework writes in. Refuses (22023) another one than the framework's.
pub fn declared_zone(
    relation: &Relation,
    given: Option<Zone>,
    framework: Option<&Framework>,
) -> Result<Option<Zone>, Refusal> {
    let of_utc = framework.filter(|framework| framework.zone == framework::Zone::Utc);
    match (given, of_utc) {
        (None, Some(_)) => find_zone("UTC").map(Some),
        (Some(zone), Some(framework))
            if !UTC.iter().any(|utc| utc.eq_ignore_ascii_case(zone.name())) =>
        {
            Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!(
                    "time_zone must be UTC for table \"{}\" of {}",
                    relation.name(),
                    framework.name
                ),
            )
            .detail("That writes UTC, whatever the time zone of its server is.")
            .hint("Leave out time_zone."))
        }
        (given, _) => Ok(given),
    }
}

/// The zone of a naive value: the one that was declared. None for another kind, for which none must be declared, unless
/// something (`of_session`: what) has another value in each zone, and one has to be.
pub fn zone_of(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
    kind: Kind,
    declared: Option<Zone>,
    of_session: Option<&str>,
) -> Result<Option<Zone>, Refusal> {
    match (declared, of_session) {
        (declared @ Some(_), _) if kind.is_naive() => Ok(declared),
        (Some(_), None) => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "time_zone cannot be used with {} of type {}",
                named.description(),
                kind.sql_name()
            ),
        )
        .hint("Its values are instants already. Leave out time_zone.")),
        (None, None) if !kind.is_naive() => Ok(None),
        (Some(_), Some(_)) => Ok(None),
        (None, of_session) => Err(zone_required(
            relation, attributes, rule, named, kind, of_session,
        )),
    }
}

/// The refusal (22023) of what nobody has said the zone of.
fn zone_required(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
    kind: Kind,
    of_session: Option<&str>,
) -> Refusal {
    let (what, detail, hint) = match of_session {
        Some(what) if !kind.is_naive() => (
            format!("the {what}"),
            "What it makes of a row depends on the settings TimeZone and DateStyle, which may be others in the session of the worker, or of somebody else.",
            "Pass the zone in which it is to be evaluated",
        ),
        _ => (
            format!("{} of type {}", named.description(), kind.sql_name()),
            "Its values do not say which zone's clock they were read from.",
            "Pass the zone that the application writes in",
        ),
    };
    Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("time_zone is required for {what}"),
    )
    .detail(detail)
    .hint(format!(
        "{hint}: {}",
        corrected_call(relation, attributes, rule, &fill_in("time_zone"))
    ))
}
