//! The isolation levels at which applications and callers work.

/// A transaction isolation level that differs from the others (READ UNCOMMITTED is READ COMMITTED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    pub const ALL: [Isolation; 3] = [
        Isolation::ReadCommitted,
        Isolation::RepeatableRead,
        Isolation::Serializable,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "read committed",
            Isolation::RepeatableRead => "repeatable read",
            Isolation::Serializable => "serializable",
        }
    }

    /// The setting that makes it a session's level, for single statements too.
    pub fn setting(self) -> String {
        format!("SET default_transaction_isolation = '{}'", self.name())
    }
}
