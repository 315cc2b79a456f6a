//! Rows that say themselves how long they live: an instant in one column, a length of time in another.

use super::columns::{TO_BE_FILLED_IN, columns};
use crate::pg::{self, Attribute};
use logic::framework::ColumnType;
use logic::kind::Kind;
use logic::recognize::{Column, is_length, meaning_in};
use pgrx::pg_sys;

/// What such a table needs for `expires`.
pub struct OwnLifetime {
    /// The column with the length of time.
    pub length: String,
    /// From the last instant in the row on, that length. A length of 0 is in some tables no limit: such a row is kept.
    pub expression: String,
}

/// The lifetime of a row, where `base` is the likeliest column to count it from. `None` where no column seems to hold one,
/// and where numbers would have to be added whose units nobody knows.
pub fn own_lifetime(attributes: &[Attribute], base: &Column) -> Option<OwnLifetime> {
    let columns = columns(attributes);
    let is_past = |column: &Column| meaning_in(&columns, &column.name).event().is_some();
    if !is_past(base) || base.column_type.kind().is_none_or(Kind::is_number) {
        return None;
    }
    let mut lengths = columns
        .iter()
        .zip(attributes)
        .filter(|(column, attribute)| {
            is_length(column)
                && (column.column_type.kind().is_some()
                    || [pg_sys::INTERVALOID, pg_sys::INT2OID].contains(&attribute.base_type))
        });
    let (length, attribute) = lengths.next()?;
    let is_like_base = |column: &&Column| column.column_type == base.column_type;
    let may_be_instant = |column: &&Column| {
        column.column_type.kind().is_some() || column.column_type == ColumnType::Text
    };
    let past = columns.iter().filter(|column| is_past(column));
    let mut instants: Vec<_> = past
        .clone()
        .filter(is_like_base)
        .map(|column| pg::quote_identifier(&column.name))
        .collect();
    // The latest may be in a column of another type, which only who knows it can make comparable.
    if past
        .filter(|column| !is_like_base(column))
        .any(|column| may_be_instant(&column))
    {
        instants.push(TO_BE_FILLED_IN.to_owned());
    }
    let instant = match &instants[..] {
        [one] => one.clone(),
        several => format!("greatest({})", several.join(", ")),
    };
    // A use on a day may have been at its end.
    let instant = match base.column_type {
        ColumnType::Date => format!("{instant} + 1"),
        _ => instant,
    };
    let name = pg::quote_identifier(&length.name);
    let lifetime = if attribute.base_type == pg_sys::INTERVALOID {
        format!("nullif(greatest({name}, interval '0'), interval '0')")
    } else {
        format!("nullif(greatest({name}, 0), 0) * interval '1 {TO_BE_FILLED_IN}'")
    };
    Some(OwnLifetime {
        length: length.name.clone(),
        expression: format!("{instant} + {lifetime}"),
    })
}
