//! PostgreSQL's C interface, made safe: the only room with raw FFI, conditions on the server's version and unsafe code.
//!
//! What it hands out is plain data, or a type that owns a resource of PostgreSQL's and says when it is given back. A
//! PostgreSQL ERROR crosses it as a Rust panic (pgrx's boundary around each bound function) that becomes the same ERROR
//! again at the SQL function; on that way destructors run, and leave alone what the transaction's abort cleans up.

mod btree;
mod expression;
mod heap;
mod privilege;
mod raw;
mod refusing;
mod relation;
mod session;
mod snapshot;
mod spi;
mod time;

pub use btree::{BtreeIndex, delete_through_index};
pub use expression::{Expression, TABLE_ALIAS, analyze, quote_identifier, type_name};
pub use heap::{Deleted, ExpiryTest, delete_in_heap};
pub use privilege::{
    Privilege, current_role, executor_checks_rights, has_column_privilege, has_privilege,
    row_security_applies,
};
pub use refusing::refusing;
pub use relation::{Attribute, LockMode, Relation, RelationKind, leaves};
pub use session::{
    extension_installed, prevent_during_recovery, prevent_in_parallel_mode, prevent_in_read_only,
    reserve_setting_prefix, try_advisory_lock,
};
pub use snapshot::CommandSnapshot;
pub use spi::{Argument, LocalSetting, modify, query};
pub use time::{Keep, Zone, now};
