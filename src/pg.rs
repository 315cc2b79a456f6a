//! PostgreSQL's C interface, made safe: the only module with raw FFI, conditions on the server's version and unsafe code.
//!
//! What it hands out is plain data, or a type that owns a resource of PostgreSQL's and says when it is given back. A
//! PostgreSQL ERROR crosses it as a Rust panic (pgrx's boundary around each bound function) that becomes the same ERROR
//! again at the SQL function; on that way destructors run, and leave alone what the transaction's abort cleans up.

mod acting_role;
mod alarm;
mod allocator;
mod bindings;
mod btree;
mod c;
mod column_place;
mod connections;
mod cost;
mod database;
mod dependence;
mod expiry;
mod expression;
mod extension;
mod fatal;
mod foreign;
mod heap;
mod inheritance;
mod internal_statement;
mod invalidation;
mod local_setting;
mod lock_table;
mod lock_wait;
mod log;
mod memory;
mod name;
mod new_heap;
mod own;
mod owner;
mod page;
mod privilege;
mod procedure;
mod process;
mod publication;
mod references;
mod refusing;
mod relation;
mod repack;
mod row_version;
mod search_path;
mod session;
mod setting;
mod shmem;
mod snapshot;
mod spi;
mod table_guard;
mod time;
mod timer;
mod transaction;
mod tuple_set;
mod unused;
mod usage;
mod vacuum;
mod wal;
mod warm;
mod warnings;
mod which_table;
mod worker;
mod written_setting;
mod written_zones;

pub use alarm::{canceled_in_vain, forget_cancel, look_every, stop_looking};
pub use btree::{BtreeIndex, IndexCursor};
pub use connections::{client_is_not_looked_after, end_without_client, is_canceled, limit_waits};
pub use cost::{buffer_cost, cost_of_pages};
pub use database::{Database, database_is_wanted, database_named, databases, system_identifier};
pub use dependence::evaluating_in;
pub use expiry::ExpiryTest;
pub use expression::{
    Expression, Otherwise, References, TABLE_ALIAS, analyze, otherwise_to_the_worker,
    quote_identifier, type_name,
};
pub use extension::{
    Own, extension_installed, extension_schema, extension_schema_within, name_of_function,
};
pub use fatal::{Fatal, note_fatal};
pub use foreign::is_of_postgres_fdw;
pub use heap::{BatchLimit, Deleted, HeapCursor};
pub use inheritance::{
    inheritors_unlocked, is_leaf, leaves, open_below, reached, rows_inserted, rows_updated,
};
pub use internal_statement::explaining;
pub use invalidation::{Changes, limit_caches};
pub use local_setting::{LocalSetting, set_for_transaction};
pub use lock_table::{LockTable, is_written_by_prepared};
pub use lock_wait::{LockWait, LockWaits, wait_less};
pub use log::{log, log_error, notice, sqlstate_text, warning};
pub use memory::{MemoryAside, ensure_memory, gather, gather_by_key};
pub use name::{encodable, exact_text, regclass_in};
pub use new_heap::{Judge, RewriteStep, Rewritten, check_not_in_use, replace_heap};
pub use own::{modify_own, query_own};
pub use owner::{
    AsOwner, Unlocked, deleted_here, estimated_rows, full_name, look_unlocked, name_unlocked,
};
pub use page::NUMBERS_END;
pub use privilege::{
    Privilege, current_role, current_role_oid, executor_checks_rights, function_name,
    has_column_privilege, has_privilege, may_execute, may_read_all, may_see, may_use_schema, owns,
    owns_database, row_security_applies, row_security_binds_owner,
};
pub use procedure::{NonatomicCall, is_called_as_trigger, procedure_result, record_error, sleep};
pub use process::{at_exit, in_recovery, my_database, my_database_name, my_pid};
pub use publication::{publishes_deletes, read_invalidations, why_not_published};
pub use references::{Definition, Definitions, are_still as names_are_still};
pub use refusing::refusing;
pub use relation::{
    Attribute, FileNode, LockMode, Relation, RelationKind, is_columnar_of_citus, relation_name,
};
pub use repack::{HAS_REPACK, repack, waits_to_finish, why_not_repacked};
pub use row_version::{RowVersion, has_subscribed_tables, policy_version, states_being_written};
pub use session::{
    before_commit, has_written, is_logical_worker, is_read_only, keeps_its_snapshot, lock_timeout,
    on_commit, on_prepare, prevent_during_recovery, prevent_in_parallel_mode, prevent_in_read_only,
    reserve_setting_prefix, transaction_part,
};
pub use setting::{
    Check, CheckFraction, CheckNumber, define_checked_fraction, define_checked_number,
    define_checked_setting, list_flag, server_setting, setting_takes, setting_takes_in_file,
};
pub use shmem::{Segment, Shareable, SharedMemory, is_preloading, request_shared_memory};
pub use snapshot::CommandSnapshot;
pub use spi::{
    Argument, Planning, Row, modify_on, query, query_for_argument_on, query_on, query_one,
    query_places_on, run,
};
pub use table_guard::{TableGuard, release_guard_in_transaction, try_guard_in_transaction};
pub use time::{Keep, Zone, begin_steady_time, now, steady};
pub use transaction::{
    ActingAs, act_as_authenticated, acts_for_its_owner, as_owner_of_our_tables, attempt, begin,
    capped, catch, commit, constraints_immediate, first_owner, is_of_a_row, is_of_a_table, owner,
    report_statistics, reset_for_session, roll_back, set_for_session, try_out,
};
pub use tuple_set::TupleSet;
pub use unused::unused_fraction;
pub use usage::Usage;
pub use vacuum::vacuum;
pub use wal::{
    Lsn, flush_commits, make_commits_durable, replayed_by_all, timeline, wal_end, wal_flushed,
};
pub use warm::{cached_blocks, try_lock_to_read, warm};
pub use warnings::with_warnings;
pub use which_table::excludes_table;
pub use worker::{
    Handle, begin_database_worker, begin_launcher, check_for_interrupts, connect, end_launcher,
    register_launcher, reload_if_asked, report_activity, shutdown_requested, start_database_worker,
    wait, wake,
};
pub use written_setting::{Written, written_in_files, written_on_command_line};
pub use written_zones::{Reading, WrittenZone};
