//! Time zones and dates in texts that PostgreSQL does not read as they are meant: a row would be over before its time.

use super::criterion::Criterion;
use crate::pg::{self, Reading, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use pgrx::prelude::PgSqlErrorCode;

/// How a zone with a number behind it is read.
macro_rules! posix {
    () => {
        "PostgreSQL takes it for a POSIX specification, in which UTC-05:00 is five hours ahead of UTC, and GMT-0100 a hundred."
    };
}

/// The refusal (22007) of a row with such a text that expression and filter can be had of, if there is one among those that
/// meet a condition, which ends with AND.
pub fn find_misread(
    relation: &Relation,
    criterion: &Criterion,
    condition: &str,
) -> Option<Refusal> {
    criterion.written_zones().find_map(|zone| {
        // Which of the readings it is stands before the text.
        let whens = zone.readings.iter().enumerate();
        let whens: String = whens
            .map(|(number, (_, condition))| format!(" WHEN {condition} THEN '{number}'"))
            .collect();
        let statement = |name: &str| {
            format!(
                "SELECT CASE{whens} END || {} FROM {name} AS {TABLE_ALIAS} WHERE {condition}{} AND {} IS NOT NULL{} LIMIT 1",
                zone.text,
                zone.condition,
                criterion.sql,
                criterion.and_filter()
            )
        };
        let found: Option<String> = pg::query_on(relation, statement, &[]).into_iter().next();
        let found = found?;
        let number: usize = found.get(..1)?.parse().ok()?;
        let (reading, _) = zone.readings.get(number)?;
        Some(refuse(relation, reading, &found[1..]))
    })
}

fn refuse(relation: &Relation, reading: &Reading, text: &str) -> Refusal {
    const POSIX: &str = posix!();
    let name = relation.name();
    let (detail, hint) = match reading {
        Reading::Instant => (
            concat!(posix!(), " DST behind an offset adds an hour to it."),
            "If it is meant as ISO 8601 has it, read it without the letters beside the offset: regexp_replace(..., '(UTC|GMT)([+-])', '\\2').",
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
        Reading::Time => (
            "Where a point follows two numbers, these are minutes and seconds: 10:30. for half a minute past 0:10.",
            "Read the text without the point: regexp_replace(..., '(:\\d+)\\.', '\\1 '), or by to_timestamp(..., 'YYYY-MM-DD HH24:MI').",
        ),
        Reading::Format(_) => (
            "to_timestamp() drops what its format does not say: a time zone, AM or PM, the time or its seconds; and HH12 and HH make 0 of a 12 without PM.",
            "Say all of it in the format, such as 'DD.MM.YYYY HH12:MI AM', 'DD.MM.YYYY HH24:MI' or 'YYYY-MM-DD HH24:MI:SSTZH:TZM', or cast the text to timestamptz.",
        ),
    };
    let message = match reading {
        Reading::Instant | Reading::Zone | Reading::Naive => {
            format!("the time zone in \"{text}\", of a row of table \"{name}\", would be misread")
        }
        Reading::Order => {
            format!("the date in \"{text}\", of a row of table \"{name}\", would be misread")
        }
        Reading::Time => {
            format!("the time in \"{text}\", of a row of table \"{name}\", would be misread")
        }
        Reading::Format(_) => {
            format!("the end of \"{text}\", of a row of table \"{name}\", would be misread")
        }
    };
    Refusal::new(PgSqlErrorCode::ERRCODE_INVALID_DATETIME_FORMAT, message)
        .detail(format!("{detail} Nothing has been deleted."))
        .hint(hint)
}
