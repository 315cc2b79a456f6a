//! Time zones and dates in texts that PostgreSQL does not read as they are meant: a row would be over before its time.

use super::criterion::Criterion;
use crate::pg::{self, Reading, Relation, TABLE_ALIAS, WrittenZone};
use crate::refusal::Refusal;
use pgrx::prelude::PgSqlErrorCode;

/// The refusal (22007) of a row with such a text that expression and filter can be had of, if there is one among those that
/// meet a condition, which ends with AND.
pub fn find_misread(
    relation: &Relation,
    criterion: &Criterion,
    condition: &str,
) -> Option<Refusal> {
    criterion.written_zones().find_map(|zone| {
        let statement = |name: &str| {
            format!(
                "SELECT {} FROM {name} AS {TABLE_ALIAS} WHERE {condition}{} AND {} IS NOT NULL{} LIMIT 1",
                zone.text,
                zone.condition,
                criterion.sql,
                criterion.and_filter()
            )
        };
        let found: Option<String> = pg::query_on(relation, statement, &[]).into_iter().next();
        found.map(|text| refuse(relation, zone, &text))
    })
}

fn refuse(relation: &Relation, zone: &WrittenZone, text: &str) -> Refusal {
    const POSIX: &str = "PostgreSQL takes it for a POSIX specification, in which UTC-05:00 is five hours ahead of UTC, and GMT-0100 a hundred.";
    let name = relation.name();
    let (detail, hint) = match zone.reading {
        Reading::Instant => (
            POSIX,
            "If it is meant as ISO 8601 has it, read it without the letters before the sign: regexp_replace(..., '(UTC|GMT)([+-])', '\\2').",
        ),
        Reading::Zone => (
            POSIX,
            "If it is meant as ISO 8601 has it, make it an interval of hours and minutes, such as interval '-05:00': '-5' and '-0500' would be so many seconds.",
        ),
        Reading::Naive => (
            "A timestamp without time zone, or a date, has no place for it.",
            "Read the text as timestamptz.",
        ),
        Reading::Order => (
            "A year of two digits is taken to come first: 05 Jan 30 for 30 January 2005.",
            "If the day comes first, say so: to_timestamp(..., 'DD Mon YY HH24:MI:SS').",
        ),
        Reading::Format(_) => (
            "to_timestamp() drops what its format does not say: a time zone, AM or PM, the time.",
            "Say all of it in the format, such as 'DD.MM.YYYY HH12:MI AM' or 'YYYY-MM-DD HH24:MI:SSTZH:TZM', or cast the text to timestamptz.",
        ),
    };
    let message = match zone.reading {
        Reading::Instant | Reading::Zone | Reading::Naive => {
            format!("the time zone in \"{text}\", of a row of table \"{name}\", would be misread")
        }
        Reading::Order => {
            format!("the date in \"{text}\", of a row of table \"{name}\", would be misread")
        }
        Reading::Format(_) => {
            format!("the end of \"{text}\", of a row of table \"{name}\", would be misread")
        }
    };
    Refusal::new(PgSqlErrorCode::ERRCODE_INVALID_DATETIME_FORMAT, message)
        .detail(format!("{detail} Nothing has been deleted."))
        .hint(hint)
}
