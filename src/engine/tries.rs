//! How finely a pass looks for the rows that cannot be deleted.
//!
//! To try each alone would take for ever where there are many. So the first of them are found one by one; from then on the
//! whole block that one is in is passed over, with what else there is in it. That no row is passed over by each pass, rows
//! are found one by one again from some block on, another one in each.

use crate::pg;
use serde::{Deserialize, Serialize};

/// How many rows are found one by one, from the beginning and from that block on.
pub const ROWS: u32 = 100;

/// What a pass has tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tries {
    rows: u32,
    /// From where on they are found one by one again.
    again_from: Option<u32>,
    again: bool,
}

impl Tries {
    /// A row was found.
    pub fn found_row(&mut self) {
        self.rows += 1;
    }

    /// Whether a block is to be passed over; `end`: how many there are.
    pub fn pass_over(&mut self, block: u32, end: u32) -> bool {
        if self.rows < ROWS {
            return false;
        }
        let again_from = *self.again_from.get_or_insert_with(|| any_of(end));
        if self.again || block < again_from {
            return true;
        }
        self.again = true;
        self.rows = 0;
        false
    }
}

/// One of so many blocks, or of so many of anything: which, is the clock's to say. The multiplier spreads neighbours (Knuth,
/// volume 3, 6.4).
pub fn any_of(blocks: u32) -> u32 {
    let hash = pg::now()
        .cast_unsigned()
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        >> 32;
    ((hash * u64::from(blocks)) >> 32) as u32
}
