//! Where a pass has got to, as something to be written down: for a run that goes on in another session.

use super::foreign::Position;
use super::keys;
use super::shards::{Failures, Place};
use super::tries::Tries;
use crate::table::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place in a pass, and what the place belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The files, the type, the range and the engine, in words: the place means something only where all are the same.
    pub of: String,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum At {
    /// A block of a heap: what lies before it has been read.
    Block(u32),
    /// A value, as the bits of a datum: what an index has below it has been visited.
    Value(u64),
    /// A place in a heap, block and number, for SQL, and how the next try is made there.
    Place {
        next: (u32, u16),
        step: u32,
        bound: Option<(u32, u16)>,
        tries: Tries,
        #[serde(default)]
        moved: bool,
    },
    /// A place in the table of another server.
    Foreign(Position),
    /// A key: the rows before it, in its order, are done with.
    Key(keys::Position),
    /// How far each shard is, by its number, and what is wrong with those that have been left alone.
    Shards {
        marks: BTreeMap<i64, Mark>,
        failures: Failures,
    },
}

/// How far a shard is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The node that it was found on, and where that was: its standby may be behind it.
    pub node: Node,
    pub place: Option<Place>,
    /// Nothing is left to do, or it has been left alone.
    pub finished: bool,
    /// Failures since it last got further.
    pub failed: u32,
    /// Blocks that have been read, and all, once it has had a turn.
    pub blocks: Option<(u32, u32)>,
}
