//! Statements on this extension's own tables and views, which the worker and the schedule functions run with rights
//! that others lack.
//!
//! They go by name, and names can be had by others: who owns the schema may rename it, who owns the extension may drop
//! it, and then put a view with a function of theirs in the place of ours. So what the names have come to mean is
//! looked at before anything of the statement is evaluated: members of the extension, which are a superuser's. Who owns
//! the extension may make things of their own members too.
//!
//! And a role with the privilege TRIGGER on the tables, which `GRANT ALL ON ALL TABLES IN SCHEMA` gives, may hang a
//! function of theirs on them: triggers do not fire, but those that a superuser has enabled with ENABLE ALWAYS.

use super::LocalSetting;
use super::internal_statement::hiding;
use super::spi::{self, Argument, Row};
use crate::refusal::Refusal;
use core::ffi::c_char;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgList, pg_sys};
use std::ffi::CString;

/// As [`super::query`].
pub fn query_own<R: Row>(statement: &str, arguments: &[Argument]) -> Vec<R> {
    execute(statement, arguments, spi::rows)
}

/// Runs a statement that changes rows, and returns how many.
pub fn modify_own(statement: &str, arguments: &[Argument]) -> u64 {
    // SAFETY: set by the statement that has just been executed.
    execute(statement, arguments, || unsafe { pg_sys::SPI_processed })
}

fn execute<T>(statement: &str, arguments: &[Argument], result: impl FnOnce() -> T) -> T {
    let statement = CString::new(statement).expect("SQL made of SQL has no zero byte");
    let mut types: Vec<_> = arguments.iter().map(|argument| argument.type_oid).collect();
    let mut values: Vec<_> = arguments.iter().map(|argument| argument.value).collect();
    // Only who owns a table can have a trigger fire in spite of it.
    let _no_triggers = LocalSetting::set_as_superuser(&[(c"session_replication_role", c"replica")]);
    let _all_tables = all_tables();
    // SAFETY: as `spi::execute`. The plan is freed by SPI_finish, or by the transaction's abort. Between its making and
    // its execution it stays the same: it is not saved, so no invalidation reaches it (utils/cache/plancache.c), the
    // search_path does not change, and the relations that it names are locked until the transaction ends.
    unsafe {
        pg_sys::SPI_connect();
        let plan = hiding(&statement, || {
            let count = spi::parameters(arguments);
            pg_sys::SPI_prepare(statement.as_ptr(), count, types.as_mut_ptr())
        });
        assert!(!plan.is_null(), "SPI_prepare failed");
        if !names_only_ours(plan) {
            Refusal::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "an object in the schema of extension \"raw_clear_sessions\" does not belong to the extension, or not to a superuser",
            )
            .raise();
        }
        let outcome = hiding(&statement, || {
            let no_nulls = core::ptr::null::<c_char>();
            pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), no_nulls, false, 0)
        });
        assert!(outcome >= 0, "SPI_execute_plan returned {outcome}");
        let result = result();
        pg_sys::SPI_finish();
        result
    }
}

/// Has a statement see every table in pg_class, where Citus is there, which hides the tables of its shards from scans.
fn all_tables() -> Option<LocalSetting> {
    let setting = c"citus.override_table_visibility";
    // SAFETY: a look-up; NULL where there is no such setting.
    let is_there = unsafe { !pg_sys::GetConfigOption(setting.as_ptr(), true, false).is_null() };
    is_there.then(|| LocalSetting::set(&[(setting, c"off")]))
}

/// Whether every relation of the plan, views and what is below them, is the system's, or a member of this extension that
/// a superuser owns, as all are that the extension's script has made.
///
/// # Safety
/// `plan` was made by SPI_prepare and is not freed yet.
unsafe fn names_only_ours(plan: pg_sys::SPIPlanPtr) -> bool {
    // SAFETY: the lists are the plan's, and are only read; the rest is catalog look-ups.
    unsafe {
        let extension = pg_sys::get_extension_oid(c"raw_clear_sessions".as_ptr(), true);
        let is_ours = |relation: pg_sys::Oid| {
            u32::from(relation) < pg_sys::FirstNormalObjectId
                || extension != pg_sys::InvalidOid
                    && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, relation)
                        == extension
                    && super::owner(relation).is_some_and(|owner| pg_sys::superuser_arg(owner))
        };
        let sources =
            PgList::<pg_sys::CachedPlanSource>::from_pg(pg_sys::SPI_plan_get_plan_sources(plan));
        sources.iter_ptr().all(|source| {
            PgList::<pg_sys::Oid>::from_pg((*source).relationOids)
                .iter_oid()
                .all(is_ours)
        })
    }
}
