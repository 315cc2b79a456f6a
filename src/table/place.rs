//! Places in heaps, by which a table is read piece by piece.

use crate::pg::{self, TABLE_ALIAS};

/// A place between two rows of a heap: the block, and the number of the next row in it.
pub type Place = (u32, u16);

/// The beginning of the next block.
pub fn block_after((block, _): Place) -> Place {
    (block.saturating_add(1), 0)
}

/// As PostgreSQL shows a ctid.
pub fn in_words((block, number): Place) -> String {
    format!("({block},{number})")
}

fn ctid(place: Place) -> String {
    format!("'{}'::pg_catalog.tid", in_words(place))
}

/// A place in the middle of a range; `None` where the range is one place.
pub fn middle(from: Place, until: Place) -> Option<Place> {
    let blocks = until.0 - from.0;
    if blocks > 1 {
        return Some((from.0 + blocks / 2, 0));
    }
    let until = if blocks == 1 {
        pg::NUMBERS_END
    } else {
        until.1
    };
    let numbers = until.saturating_sub(from.1);
    (numbers > 1).then(|| (from.0, from.1 + numbers / 2))
}

/// The place behind a row, from its ctid in its text form: `(block,number)`.
pub fn place_after(ctid: &str) -> Option<Place> {
    let (block, number) = ctid.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some((
        block.parse().ok()?,
        number.parse::<u16>().ok()?.checked_add(1)?,
    ))
}

/// A condition, which ends with AND.
pub fn range(from: Place, until: Place) -> String {
    format!(
        "{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.>=) {} AND {TABLE_ALIAS}.ctid OPERATOR(pg_catalog.<) {} AND ",
        ctid(from),
        ctid(until)
    )
}

/// The same with the two places as the parameters from this number on.
pub fn range_of_parameters(first: usize) -> String {
    let second = first + 1;
    format!(
        "{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.>=) ${first} AND {TABLE_ALIAS}.ctid OPERATOR(pg_catalog.<) ${second} AND "
    )
}
