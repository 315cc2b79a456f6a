//! The snapshot and the command id under which rows are deleted.

use pgrx::pg_sys;

/// A command of its own within the transaction, as SPI makes one for each statement (executor/spi.c,
/// `_SPI_execute_plan`): it sees what the transaction did before, and what it deletes is gone for what comes after.
///
/// At READ COMMITTED the snapshot is a new one; at the higher levels it is the transaction's.
pub struct CommandSnapshot {
    command: pg_sys::CommandId,
}

impl CommandSnapshot {
    pub fn push() -> Self {
        // SAFETY: in a transaction, which every SQL function is. GetTransactionSnapshot's result is copied at once.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushCopiedSnapshot(pg_sys::GetTransactionSnapshot());
            pg_sys::UpdateActiveSnapshotCommandId();
            CommandSnapshot {
                command: pg_sys::GetCurrentCommandId(true),
            }
        }
    }

    /// The command id that deleted tuples are stamped with.
    pub fn command(&self) -> pg_sys::CommandId {
        self.command
    }

    /// The snapshot; valid as long as `self`.
    pub fn snapshot(&self) -> pg_sys::Snapshot {
        // SAFETY: `push` made it the active one, and it stays so until `self` is dropped.
        unsafe { pg_sys::GetActiveSnapshot() }
    }
}

impl Drop for CommandSnapshot {
    fn drop(&mut self) {
        // While an ERROR unwinds, the abort pops the snapshot itself.
        if !std::thread::panicking() {
            // SAFETY: pops what `push` pushed; the commands after this one see its deletions.
            unsafe {
                pg_sys::PopActiveSnapshot();
                pg_sys::CommandCounterIncrement();
            }
        }
    }
}
