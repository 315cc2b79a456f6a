//! What a run leaves out because it cannot be deleted, so that it does not keep anything else: rows, and whole leaves.

use crate::engine::LeftOut;
use crate::pg;
use crate::refusal::{Refusal, enough};
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};

/// Rows that could not be deleted.
#[derive(Default, Serialize, Deserialize)]
pub struct LeftOutRows {
    rows: u64,
    /// Blocks that were passed over, because of such rows.
    blocks: u64,
    /// The first one, and the leaf that it is in.
    first: Option<(String, LeftOut)>,
}

impl LeftOutRows {
    /// Counts what was left out of a leaf.
    pub fn note(&mut self, leaf: pg_sys::Oid, left_out: LeftOut) {
        self.rows += left_out.rows;
        self.blocks += u64::from(left_out.rows == 0);
        self.first
            .get_or_insert_with(|| (pg::name_unlocked(leaf), left_out));
    }

    /// The first one's error, and how many there are; `None` where there are none.
    pub fn take_refusal(&mut self) -> Option<Refusal> {
        let (table, LeftOut { ctid, refusal, .. }) = self.first.take()?;
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let first = ctid.map_or_else(String::new, |ctid| format!(", the first at ctid {ctid}"));
        let more = match self.blocks {
            0 => String::new(),
            1 => ", and passed over 1 block with more".to_owned(),
            blocks => format!(", and passed over {blocks} blocks with more"),
        };
        let message = format!(
            "could not delete {} expired {rows} of table \"{table}\"{first}{more}: {}",
            self.rows,
            refusal.message()
        );
        let hint = "The other expired rows do not wait for it.";
        Some(with_message(&refusal, message, hint).of_left_out_rows())
    }
}

/// Leaves that could not be cleared.
#[derive(Default, Serialize, Deserialize)]
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

    pub fn oids(&self) -> impl Iterator<Item = pg_sys::Oid> {
        self.oids.iter().copied()
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
