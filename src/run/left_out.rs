//! What a run leaves out because it cannot be deleted, so that it does not keep anything else: rows, and whole leaves.

use crate::engine::LeftOut;
use crate::pg;
use crate::refusal::{Refusal, enough};
use pgrx::pg_sys;

/// With so many rows that cannot be deleted something is wrong that is no row's, and to try each would take for ever.
const MOST_LEFT_OUT: u64 = 100;

/// Rows that could not be deleted.
#[derive(Default)]
pub struct LeftOutRows {
    rows: u64,
    /// How many of them were tried alone, and failed.
    alone: u64,
    /// The first one, and the leaf that it is in.
    first: Option<(String, LeftOut)>,
}

impl LeftOutRows {
    /// Counts rows of a leaf. Refuses what was wrong where too many have been tried one by one.
    pub fn note(&mut self, leaf: pg_sys::Oid, row: LeftOut) -> Result<(), Refusal> {
        if !row.kept && self.alone >= MOST_LEFT_OUT {
            return Err(row.refusal.hint(format!(
                "More than {MOST_LEFT_OUT} rows cannot be deleted: the run has given up."
            )));
        }
        self.rows += row.rows;
        self.alone += u64::from(!row.kept);
        self.first
            .get_or_insert_with(|| (pg::name_unlocked(leaf), row));
        Ok(())
    }

    /// The first one's error, and how many there are; `None` where there are none.
    pub fn take_refusal(&mut self) -> Option<Refusal> {
        let (table, LeftOut { ctid, refusal, .. }) = self.first.take()?;
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let first = ctid.map_or_else(String::new, |ctid| format!(", the first at ctid {ctid}"));
        let message = format!(
            "could not delete {} expired {rows} of table \"{table}\"{first}: {}",
            self.rows,
            refusal.message()
        );
        Some(with_message(
            &refusal,
            message,
            "The other expired rows do not wait for it.",
        ))
    }
}

/// Leaves that could not be cleared.
#[derive(Default)]
pub struct FailedLeaves {
    oids: Vec<pg_sys::Oid>,
    /// The first one's name, and what is wrong with it.
    first: Option<(String, Refusal)>,
}

impl FailedLeaves {
    pub fn note(&mut self, leaf: pg_sys::Oid, refusal: Refusal) -> Result<(), Refusal> {
        // A table that is planned anew tries them all again.
        if self.oids.contains(&leaf) {
            return Ok(());
        }
        enough(self.oids.try_reserve(1))?;
        self.oids.push(leaf);
        self.first
            .get_or_insert_with(|| (pg::name_unlocked(leaf), refusal));
        Ok(())
    }

    /// The first one's error, and how many there are; `None` where there are none.
    pub fn take_refusal(&mut self, table: pg_sys::Oid) -> Option<Refusal> {
        let (leaf, refusal) = self.first.take()?;
        let table = pg::name_unlocked(table);
        let which = match self.oids.len() {
            1 => format!("\"{leaf}\""),
            several => format!("{several} tables, the first \"{leaf}\","),
        };
        let message = format!(
            "could not clear {which} below table \"{table}\": {}",
            refusal.message()
        );
        Some(with_message(
            &refusal,
            message,
            "The other tables below it do not wait for it.",
        ))
    }
}

/// An error with another message, and a HINT where it has none.
fn with_message(refusal: &Refusal, message: String, hint: &str) -> Refusal {
    let (detail, own_hint) = refusal.notes();
    let other = Refusal::new(refusal.sqlstate(), message).hint(own_hint.unwrap_or(hint));
    match detail {
        Some(detail) => other.detail(detail),
        None => other,
    }
}
