//! Where a pass has got to, as something to be written down: for a run that goes on in another session.

use serde::{Deserialize, Serialize};

/// A place in a pass, and what the place belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The files, the type, the range and the engine, in words: the place means something only where all are the same.
    pub of: String,
    pub at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum At {
    /// A block of a heap: what lies before it has been read.
    Block(u32),
    /// A value, as the bits of a datum: what an index has below it has been visited.
    Value(u64),
    /// A place in a heap, block and number, for SQL.
    Place(u32, u16),
}
