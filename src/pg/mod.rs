//! PostgreSQL's C interface, made safe: the only room with raw FFI, conditions on the server's version and unsafe code.
//!
//! What it hands out is plain data, or a type that owns a resource of PostgreSQL's and says when it is given back. A
//! PostgreSQL ERROR crosses it as a Rust panic (pgrx's boundary around each bound function) that becomes the same ERROR
//! again at the SQL function; on that way destructors run, and leave alone what the transaction's abort cleans up.

mod btree;
mod expression;
mod heap;
mod invalidation;
mod lock_wait;
mod owner;
mod privilege;
mod procedure;
mod publication;
mod raw;
mod refusing;
mod relation;
mod rewrite;
mod rewrite_copy;
mod session;
mod snapshot;
mod spi;
mod table_guard;
mod time;
mod transaction;
mod tuple_set;

pub use btree::{BtreeIndex, IndexCursor};
pub use expression::{Expression, TABLE_ALIAS, analyze, quote_identifier, type_name};
pub use heap::{BatchLimit, Deleted, ExpiryTest, HeapCursor};
pub use invalidation::relation_changes;
pub use lock_wait::LockWait;
pub use owner::{Unlocked, is_owner, look_unlocked, name_unlocked};
pub use privilege::{
    Privilege, current_role, executor_checks_rights, has_column_privilege, has_privilege,
    row_security_applies,
};
pub use procedure::{NonatomicCall, count_result, sleep};
pub use publication::publishes_deletes;
pub use refusing::refusing;
pub use relation::{Attribute, LockMode, Relation, RelationKind, leaves};
pub use rewrite::{Rewritten, check_not_in_use, rewrite};
pub use rewrite_copy::Judge;
pub use session::{
    extension_installed, prevent_during_recovery, prevent_in_parallel_mode, prevent_in_read_only,
    reserve_setting_prefix, try_advisory_lock,
};
pub use snapshot::CommandSnapshot;
pub use spi::{Argument, LocalSetting, modify, query};
pub use table_guard::TableGuard;
pub use time::{Keep, Zone, now};
pub use transaction::{
    Lsn, buffer_cost, make_commits_durable, replayed_by_all, set_for_transaction, wal_end,
};
pub use tuple_set::TupleSet;
